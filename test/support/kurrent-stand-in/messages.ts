import sharedMessages from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/shared_pb.js';
import statusMessages from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/status_pb.js';
import streamMessages from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/streams_pb.js';
import type {
  BatchAppendReq,
  ReadResp,
} from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/streams_pb.js';
import type {
  StreamIdentifier,
  WrongExpectedVersion,
} from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/shared_pb.js';
import type { Status } from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/status_pb.js';
import type { Proposed, Stored } from './memory.js';

/** Between .NET ticks of the year 1 and milliseconds of 1970. */
const ticks = (milliseconds: number): string =>
  String((BigInt(milliseconds) + 62_135_596_800_000n) * 10_000n);

export const nameOf = (identifier: StreamIdentifier | undefined): string =>
  Buffer.from(identifier?.getStreamName_asU8() ?? new Uint8Array()).toString('utf8');

export const identifierOf = (stream: string): StreamIdentifier =>
  new sharedMessages.StreamIdentifier().setStreamName(Buffer.from(stream, 'utf8'));

export function proposed(message: BatchAppendReq.ProposedMessage): Proposed {
  const structured = message.getId()?.getStructured();
  const hex = (bits: string): string => BigInt.asUintN(64, BigInt(bits)).toString(16).padStart(16, '0');
  const id = structured
    ? `${hex(structured.getMostSignificantBits())}${hex(structured.getLeastSignificantBits())}`
    : (message.getId()?.getString() ?? '').replaceAll('-', '');
  return {
    id: id.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
    type: message.getMetadataMap().get('type') ?? '',
    contentType: message.getMetadataMap().get('content-type') ?? '',
    data: message.getData_asU8(),
    metadata: message.getCustomMetadata_asU8(),
  };
}

export function eventMessage(event: Stored): ReadResp {
  const position = String(event.position);
  const recorded = new streamMessages.ReadResp.ReadEvent.RecordedEvent()
    .setId(new sharedMessages.UUID().setString(event.id))
    .setStreamIdentifier(identifierOf(event.stream))
    .setStreamRevision(String(event.revision))
    .setCommitPosition(position)
    .setPreparePosition(position)
    .setData(event.data)
    .setCustomMetadata(event.metadata);
  recorded.getMetadataMap().set('type', event.type);
  recorded.getMetadataMap().set('content-type', event.contentType);
  recorded.getMetadataMap().set('created', ticks(0));
  const read = new streamMessages.ReadResp.ReadEvent().setEvent(recorded).setCommitPosition(position);
  return new streamMessages.ReadResp().setEvent(read);
}

export const caughtUpMessage = (): ReadResp =>
  new streamMessages.ReadResp().setCaughtUp(new streamMessages.ReadResp.CaughtUp());

export const confirmationMessage = (): ReadResp =>
  new streamMessages.ReadResp().setConfirmation(
    new streamMessages.ReadResp.SubscriptionConfirmation().setSubscriptionId(crypto.randomUUID()),
  );

/** @param passed whether the event at the position has gone by */
export const checkpointMessage = (position: bigint, passed: boolean): ReadResp =>
  new streamMessages.ReadResp().setCheckpoint(
    new streamMessages.ReadResp.Checkpoint()
      .setCommitPosition(String(position))
      .setPreparePosition(passed ? String(position) : '0'),
  );

export const notFoundMessage = (stream: string): ReadResp =>
  new streamMessages.ReadResp().setStreamNotFound(
    new streamMessages.ReadResp.StreamNotFound().setStreamIdentifier(identifierOf(stream)),
  );

const field = (number: number, bytes: Uint8Array): Buffer => {
  const length: number[] = [];
  let left = bytes.length;
  for (; left > 127; left >>>= 7) length.push((left & 127) | 128);
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...length, left]), bytes]);
};

/** A `google.rpc.Status` whose details are one message of the event store's own, and whose words are its name. */
export const statusMessage = (type: string, details: { serializeBinary(): Uint8Array }): Status => {
  const url = Buffer.from(`type.googleapis.com/event_store.client.${type}`);
  const any = Buffer.concat([field(1, url), field(2, details.serializeBinary())]);
  return statusMessages.Status.deserializeBinary(Buffer.concat([field(2, Buffer.from(type)), field(3, any)]));
};

/** @param current revision that the stream is at, -1 when it does not exist */
export const wrongExpectedVersionMessage = (current: number): WrongExpectedVersion =>
  current < 0
    ? sharedMessages.WrongExpectedVersion.deserializeBinary(field(2, new Uint8Array()))
    : new sharedMessages.WrongExpectedVersion().setCurrentStreamRevision(String(current));

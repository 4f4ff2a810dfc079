import sharedMessages from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/shared_pb.js';
import streamMessages from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/streams_pb.js';
import type { AllStreamPosition } from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/shared_pb.js';
import type {
  BatchAppendReq,
  BatchAppendResp,
  DeleteReq,
  DeleteResp,
} from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/streams_pb.js';
import { type handleUnaryCall, Metadata, type ServerDuplexStream, status } from '@grpc/grpc-js';
import type { Expected, Memory, Proposed } from './memory.js';
import { nameOf, proposed, statusMessage, wrongExpectedVersionMessage } from './messages.js';

/** The server's settings of the same names, in bytes, and how far its clock is ahead, in milliseconds. */
export interface Settings {
  readonly maxAppendSize: number;
  readonly maxAppendEventSize: number;
  readonly ahead: number;
}

const expectedOf = (options: BatchAppendReq.Options): Expected => {
  if (options.hasNoStream()) return 'no_stream';
  if (options.hasAny()) return 'any';
  if (options.hasStreamExists()) return 'stream_exists';
  return Number(options.getStreamPosition());
};

/** How long the server takes to have an append in its index, and until it gives one up, in milliseconds. */
const indexing = 5;
const givingUp = 50;

/** Many appends over one call, each of one or more messages, answered by their correlation id. */
export const batchAppend = (memory: Memory, settings: Settings, isCutOff: () => boolean) => {
  /** First ids of appends that are not in the index yet: meanwhile the server drops repeated ones. */
  const unindexed = new Set<string | undefined>();
  return (call: ServerDuplexStream<BatchAppendReq, BatchAppendResp>) => {
    const open = new Map<string, Append>();
    call.on('data', (request: BatchAppendReq) => {
      const correlation = request.getCorrelationId()?.getString() ?? '';
      const options = request.getOptions();
      if (options) open.set(correlation, { options, events: [] });
      const append = open.get(correlation);
      if (append === undefined) return;
      append.events.push(...request.getProposedMessagesList().map(proposed));
      if (!request.getIsFinal()) return;
      open.delete(correlation);
      const id = append.events[0]?.id;
      const late = Number(append.options.getDeadline21100()?.toDate()) <= Date.now() + settings.ahead;
      const dropped = late || unindexed.has(id);
      const answer = isCutOff()
        ? refused('Server Is Not Ready', new sharedMessages.Empty())
        : dropped
          ? refused('Timeout', new sharedMessages.Timeout())
          : answerOf(memory, settings, append);
      answer.setStreamIdentifier(append.options.getStreamIdentifier());
      unindexed.add(id);
      setTimeout(
        () => {
          if (!dropped) unindexed.delete(id);
          call.write(answer.setCorrelationId(request.getCorrelationId()));
        },
        dropped ? givingUp : indexing,
      );
    });
    call.on('end', () => call.end());
    call.on('error', () => call.destroy());
  };
};

interface Append {
  readonly options: BatchAppendReq.Options;
  readonly events: Proposed[];
}

const refused = (...error: Parameters<typeof statusMessage>): BatchAppendResp =>
  new streamMessages.BatchAppendResp().setError(statusMessage(...error));

const sizeOf = ({ data, metadata, type }: Proposed): number =>
  data.length + metadata.length + type.length * 2;

function answerOf(memory: Memory, settings: Settings, { options, events }: Append): BatchAppendResp {
  const { maxAppendSize, maxAppendEventSize } = settings;
  const sizes = events.map(sizeOf);
  if (Math.max(...sizes) > maxAppendEventSize)
    return refused('MaximumAppendEventSizeExceeded', new sharedMessages.Empty());
  if (sizes.reduce((sum, size) => sum + size) > maxAppendSize) {
    const details = new sharedMessages.MaximumAppendSizeExceeded().setMaxappendsize(maxAppendSize);
    return refused('MaximumAppendSizeExceeded', details);
  }
  const result = memory.append(nameOf(options.getStreamIdentifier()), expectedOf(options), events);
  if (!result.ok) {
    return result.deleted
      ? refused('StreamDeleted', new sharedMessages.StreamDeleted())
      : refused('WrongExpectedVersion', wrongExpectedVersionMessage(result.current));
  }
  const success = new streamMessages.BatchAppendResp.Success().setCurrentRevision(String(result.revision));
  return new streamMessages.BatchAppendResp().setSuccess(success.setPosition(positionOf(result.position)));
}

const positionOf = (position: bigint | undefined): AllStreamPosition | undefined =>
  position === undefined
    ? undefined
    : new sharedMessages.AllStreamPosition()
        .setCommitPosition(String(position))
        .setPreparePosition(String(position));

export const softDelete =
  (memory: Memory): handleUnaryCall<DeleteReq, DeleteResp> =>
  (call, callback) => {
    const options = call.request.getOptions();
    const stream = nameOf(options?.getStreamIdentifier());
    const expected = options?.hasRevision() === true ? Number(options.getRevision()) : undefined;
    const result = memory.delete(stream, expected);
    if (!result.ok) {
      const metadata = new Metadata();
      metadata.set('exception', 'wrong-expected-version');
      metadata.set('stream-name', stream);
      metadata.set('expected-version', String(expected ?? -2));
      metadata.set('actual-version', String(result.current));
      callback({ code: status.FAILED_PRECONDITION, details: 'Delete failed', metadata });
      return;
    }
    const position = new streamMessages.DeleteResp.Position();
    position.setCommitPosition(String(result.position)).setPreparePosition(String(result.position));
    callback(null, new streamMessages.DeleteResp().setPosition(position));
  };

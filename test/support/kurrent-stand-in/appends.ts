import sharedMessages from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/shared_pb.js';
import streamMessages from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/streams_pb.js';
import type {
  AppendReq,
  AppendResp,
  BatchAppendReq,
  BatchAppendResp,
  DeleteReq,
  DeleteResp,
} from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/streams_pb.js';
import {
  type handleClientStreamingCall,
  type handleUnaryCall,
  type ServerDuplexStream,
  status,
} from '@grpc/grpc-js';
import type { Expected, Memory, Proposed } from './memory.js';
import { nameOf, proposed, statusMessage, wrongExpectedVersionMessage } from './messages.js';

/** The server's default `MaxAppendSize`, in bytes. */
const maxAppendSize = 1024 * 1024;

type Options = AppendReq.Options | BatchAppendReq.Options;

const expectedOf = (options: Options): Expected => {
  if (options.hasNoStream()) return 'no_stream';
  if (options.hasAny()) return 'any';
  if (options.hasStreamExists()) return 'stream_exists';
  return Number('getRevision' in options ? options.getRevision() : options.getStreamPosition());
};

/** How long the server takes to have an append in its index, and until it gives one up, in milliseconds. */
const indexing = 5;
const givingUp = 50;

/** Many appends over one call, each of one or more messages, answered by their correlation id. */
export const batchAppend = (memory: Memory) => {
  /** First ids of appends that are not in the index yet: meanwhile the server drops repeated ones. */
  const unindexed = new Set<string | undefined>();
  return (call: ServerDuplexStream<BatchAppendReq, BatchAppendResp>) => {
    const open = new Map<string, { options: BatchAppendReq.Options; events: Proposed[] }>();
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
      const dropped = unindexed.has(id);
      const answer = dropped ? timeout() : answerOf(memory, append.options, append.events);
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

const timeout = (): BatchAppendResp =>
  new streamMessages.BatchAppendResp().setError(statusMessage('Timeout', new sharedMessages.Timeout()));

function answerOf(memory: Memory, options: BatchAppendReq.Options, events: Proposed[]): BatchAppendResp {
  const answer = new streamMessages.BatchAppendResp();
  const size = events.reduce(
    (sum, { data, metadata, type }) => sum + data.length + metadata.length + type.length * 2,
    0,
  );
  if (size > maxAppendSize) {
    const details = new sharedMessages.MaximumAppendSizeExceeded().setMaxappendsize(maxAppendSize);
    return answer.setError(statusMessage('MaximumAppendSizeExceeded', details));
  }
  const result = memory.append(nameOf(options.getStreamIdentifier()), expectedOf(options), events);
  if (!result.ok) {
    const details = wrongExpectedVersionMessage(result.current);
    return answer.setError(statusMessage('WrongExpectedVersion', details));
  }
  const position = new sharedMessages.AllStreamPosition();
  position.setCommitPosition(String(result.position)).setPreparePosition(String(result.position));
  const success = new streamMessages.BatchAppendResp.Success();
  return answer.setSuccess(success.setCurrentRevision(String(result.revision)).setPosition(position));
}

/** One append over a call of its own: its options, then its events. */
export const append =
  (memory: Memory): handleClientStreamingCall<AppendReq, AppendResp> =>
  (call, callback) => {
    let options: AppendReq.Options | undefined;
    const events: Proposed[] = [];
    call.on('data', (request: AppendReq) => {
      options ??= request.getOptions();
      const message = request.getProposedMessage();
      if (message) events.push(proposed(message));
    });
    call.on('end', () => {
      if (options === undefined) return;
      const result = memory.append(nameOf(options.getStreamIdentifier()), expectedOf(options), events);
      const answer = new streamMessages.AppendResp();
      if (!result.ok) {
        const wrong = new streamMessages.AppendResp.WrongExpectedVersion();
        if (result.current >= 0) wrong.setCurrentRevision(String(result.current));
        callback(null, answer.setWrongExpectedVersion(wrong));
        return;
      }
      const position = new streamMessages.AppendResp.Position();
      position.setCommitPosition(String(result.position)).setPreparePosition(String(result.position));
      const success = new streamMessages.AppendResp.Success().setCurrentRevision(String(result.revision));
      callback(null, answer.setSuccess(success.setPosition(position)));
    });
  };

export const softDelete =
  (memory: Memory): handleUnaryCall<DeleteReq, DeleteResp> =>
  (call, callback) => {
    const result = memory.delete(nameOf(call.request.getOptions()?.getStreamIdentifier()));
    if (!result.ok) {
      callback({ code: status.FAILED_PRECONDITION, details: 'the stream has never existed' });
      return;
    }
    const position = new streamMessages.DeleteResp.Position();
    position.setCommitPosition(String(result.position)).setPreparePosition(String(result.position));
    callback(null, new streamMessages.DeleteResp().setPosition(position));
  };

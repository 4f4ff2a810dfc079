import { types } from 'node:util';
import {
  CancelledError,
  DeadlineExceededError,
  MaxAppendSizeExceededError,
  NotLeaderError,
  StreamDeletedError,
  StreamNotFoundError,
  TimeoutError,
  UnavailableError,
  UnknownError,
} from '@kurrent/kurrentdb-client';
import { AppendTooLarge, StoreUnavailable } from '#eventsourcing';

/**
 * Errors that say nothing about what was asked for. Unknown ones are among them: the client gives
 * that name to broken transports and to a server that is not ready or too busy.
 */
const passing = [
  CancelledError,
  DeadlineExceededError,
  NotLeaderError,
  TimeoutError,
  UnavailableError,
  UnknownError,
] as const;

/** Failures outside gRPC: of the socket, of cluster discovery, of a stream that broke under a write. */
const transport =
  /ECONN|EPIPE|ETIMEDOUT|EAI_AGAIN|ENOTFOUND|ERR_STREAM|discover|channel|closed|write after end/i;

export const isAbsent = (error: unknown): boolean =>
  error instanceof StreamNotFoundError || error instanceof StreamDeletedError;

/** The same error, or one of the port around it: where it may pass by itself, or the append was too large. */
export function mapped(error: unknown): unknown {
  if (error instanceof MaxAppendSizeExceededError) {
    return new AppendTooLarge(error.maxAppendSize, { cause: error });
  }
  // Of an event above `MaxAppendEventSize` the client knows no more than the name (unpackError.js).
  if (error instanceof UnknownError && error.message.endsWith(' MaximumAppendEventSizeExceeded'))
    return new AppendTooLarge(undefined, { cause: error });
  if (!types.isNativeError(error) || error instanceof StoreUnavailable) return error;
  const lost = passing.some((kind) => error instanceof kind) || transport.test(error.message);
  return lost ? new StoreUnavailable(error.message, { cause: error }) : error;
}

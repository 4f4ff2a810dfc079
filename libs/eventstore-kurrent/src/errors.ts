import {
  CancelledError,
  DeadlineExceededError,
  NotLeaderError,
  StreamDeletedError,
  StreamNotFoundError,
  TimeoutError,
  UnavailableError,
  UnknownError,
} from '@kurrent/kurrentdb-client';
import { StoreUnavailable } from '#eventsourcing';

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

/** The same error, or StoreUnavailable around it where it may pass by itself. */
export function mapped(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof StoreUnavailable) return error;
  const lost = passing.some((kind) => error instanceof kind) || transport.test(error.message);
  return lost ? new StoreUnavailable(error.message, { cause: error }) : error;
}

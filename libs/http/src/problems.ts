import { HttpException } from '@nestjs/common';
import {
  AppendTooLarge,
  NotBuiltYet,
  RevisionConflict,
  RuleViolation,
  StoreUnavailable,
} from '#eventsourcing';
import { isProblemCode, type ProblemCode } from './problem.catalogue.js';

/** One fault of a request: in its body (RFC 6901 pointer) or in its query. */
export type Fault =
  | { readonly pointer: string; readonly detail: string }
  | { readonly parameter: string; readonly detail: string };

export interface ProblemOptions {
  /** Overrides the status of the catalogue. */
  readonly status?: number;
  readonly errors?: readonly Fault[];
  readonly headers?: Readonly<Record<string, string>>;
  /** Members that the answer carries beside the detail. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** A problem that HTTP itself knows of; broken rules of the domain are `RuleViolation`s. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  constructor(
    readonly code: ProblemCode,
    readonly detail: string,
    readonly options: ProblemOptions = {},
  ) {
    super(`${code}: ${detail}`);
  }
}

export const bodyLimit = 10 * 1024 * 1024;
export const tooLarge = `A body has at most ${bodyLimit} bytes (10 MiB).`;

const byStatus: Readonly<Record<number, [ProblemCode, string]>> = {
  401: ['unauthenticated', 'This call needs an API key or token.'],
  403: ['forbidden', 'The caller may not do this.'],
  404: ['not_found', 'There is no such resource.'],
  405: ['method_not_allowed', 'The resource does not know this method.'],
  413: ['payload_too_large', tooLarge],
  // Fastify's answer to a path parameter that is longer than any id of ours.
  414: ['not_found', 'There is no such resource.'],
  415: ['unsupported_media_type', 'The Content-Type is no media type, such as application/json.'],
  429: ['rate_limited', 'Too many requests.'],
};

/**
 * What an error means to the client; undefined when it is our own fault and must be logged.
 * @param conditional whether the client named a revision by If-Match
 */
export function problemOf(error: unknown, conditional: boolean): ProblemError | undefined {
  if (error instanceof ProblemError) return error;
  if (error instanceof RuleViolation) {
    return isProblemCode(error.code) ? broken(error.code, error) : undefined;
  }
  if (error instanceof RevisionConflict) {
    return conditional
      ? new ProblemError(
          'revision_mismatch',
          'The resource has changed since the revision that If-Match names.',
        )
      : new ProblemError('revision_conflict', 'Others kept changing the resource; send the request again.');
  }
  if (error instanceof AppendTooLarge) {
    const taken = error.limit === undefined ? 'less' : `at most ${error.limit} bytes`;
    const detail = `The event store takes ${taken} at once; send less in one request.`;
    return new ProblemError('payload_too_large', detail);
  }
  if (error instanceof StoreUnavailable) {
    return error instanceof NotBuiltYet
      ? new ProblemError('projection_lagging', 'A read model is still being built.')
      : new ProblemError(
          'store_unavailable',
          'The event store cannot be reached; send the request again later.',
        );
  }
  if (error instanceof HttpException && error.getStatus() < 500) {
    const [code, detail] = byStatus[error.getStatus()] ?? ['bad_request', 'The request is not well-formed.'];
    return new ProblemError(code, detail);
  }
  return undefined;
}

function broken(code: ProblemCode, { detail, extra: { pointer, ...extra } }: RuleViolation): ProblemError {
  const faults = typeof pointer === 'string' && { errors: [{ pointer, detail }] };
  return new ProblemError(code, detail, { extra, ...faults });
}

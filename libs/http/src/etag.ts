import { hash } from 'node:crypto';
import { RuleViolation } from '#eventsourcing';
import type { RequestContext } from './context.js';
import { ProblemError } from './problems.js';

const expected = /^"(\d{1,15})(?:\.[^"]*)?"$/;

/** The strong ETag of a resource as it is shown. */
export const etagOf = (revision: number, json: string): string =>
  `"${revision}.${hash('sha1', json, 'base64url').slice(0, 16)}"`;

/** Whether an If-None-Match header names the ETag; weakness does not matter here (RFC 9110 section 13.1.2). */
export const isNamedBy = (header: string, etag: string): boolean =>
  header === etag ||
  header.split(',').some((part) => {
    const name = part.trim();
    return name === '*' || (name.startsWith('W/') ? name.slice(2) : name) === etag;
  });

/**
 * Answers with one resource and its ETag: return the result from the handler.
 * @param revision the resource's own, which If-Match compares
 * @returns the JSON text, or undefined with status 304 when a read's If-None-Match names what would be shown
 */
export function resource(ctx: RequestContext, body: object, revision: number): string | undefined {
  const { request, reply } = ctx;
  const json = JSON.stringify(body);
  const etag = etagOf(revision, json);
  void reply.header('etag', etag);
  const seen = request.headers['if-none-match'];
  if (
    seen !== undefined &&
    (request.method === 'GET' || request.method === 'HEAD') &&
    isNamedBy(seen, etag)
  ) {
    void reply.code(304);
    return undefined;
  }
  void reply.header('content-type', 'application/json; charset=utf-8');
  return json;
}

/**
 * The revision that the client expects by If-Match; undefined when it named none, or `*`.
 * @throws ProblemError revision_mismatch when the header is nothing that a revision can match
 */
export function ifMatch({ request }: RequestContext): number | undefined {
  const header = request.headers['if-match'];
  if (header === undefined || header.trim() === '*') return undefined;
  const revision = expected.exec(header.trim())?.[1];
  if (revision === undefined) {
    throw new ProblemError(
      'revision_mismatch',
      'If-Match takes one strong ETag of the resource, or "<revision>".',
    );
  }
  return Number(revision);
}

/**
 * Compares the expected revision with that of the resource: a rule, so that a decision which breaks it on an old
 * state is made again. @throws RuleViolation revision_mismatch
 */
export function requireRevision(expectedRevision: number | undefined, revision: number): void {
  if (expectedRevision === undefined || expectedRevision === revision) return;
  throw new RuleViolation(
    'revision_mismatch',
    `The resource is at revision ${revision}, not ${expectedRevision}.`,
  );
}

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { parseJson, pointerTo, utf8 } from './json-text.js';
import { ProblemError } from './problems.js';
import type { RouteManners } from './route-config.js';

type Done = (error: Error | null, body?: unknown) => void;

const json = 'application/json';
const onlyJson = [json];
const identity = 'identity';

/** JSON text from bytes, without the mark that some write in front of it (RFC 8259, section 8.1). @throws ProblemError malformed_json */
const jsonText = (bytes: Buffer): string => utf8(bytes).replace(/^\ufeff/, '');

/** One value a line, as a list; empty lines are left out, and pointers do not count them. */
const parseNdjson = (bytes: Buffer): unknown[] =>
  jsonText(bytes)
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line, n) => parseJson(line, pointerTo('', n)));

/** Parsers of bodies other than JSON; a route that wants one names it by `@Accepts`. */
const others: Readonly<Record<string, (bytes: Buffer) => unknown>> = {
  'application/x-ndjson': parseNdjson,
  'text/plain': utf8,
  'application/octet-stream': (bytes) => bytes,
};

/** Registers what a body may be. Anything else, or what the route does not name, is 415. */
export function registerBodyParsers(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  register(fastify, json, (bytes) => (bytes.length === 0 ? undefined : parseJson(jsonText(bytes))));
  for (const [type, parse] of Object.entries(others)) register(fastify, type, parse);
  fastify.addContentTypeParser('*', (request: FastifyRequest, _bytes: unknown, done: Done) => {
    done(request.is404 ? null : unsupported(acceptedBy(request)));
  });
}

function register(fastify: FastifyInstance, type: string, parse: (bytes: Buffer) => unknown): void {
  fastify.addContentTypeParser(
    type,
    { parseAs: 'buffer' },
    (request: FastifyRequest, bytes: Buffer, done: Done) => {
      try {
        // Whatever comes to no route, the answer is that there is none.
        if (request.is404) {
          done(null);
          return;
        }
        const accepts = acceptedBy(request);
        if (!accepts.includes(type)) throw unsupported(accepts);
        refuseEncoded(request);
        if (request.headers['idempotency-key'] !== undefined) request.ctx.rawBody = bytes;
        done(null, parse(bytes));
      } catch (error) {
        done(error as Error);
      }
    },
  );
}

const acceptedBy = ({ routeOptions }: FastifyRequest): readonly string[] =>
  (routeOptions.config as RouteManners).accepts ?? onlyJson;

const unsupported = (accepts: readonly string[]): ProblemError =>
  new ProblemError('unsupported_media_type', `This route takes a body of type ${accepts.join(', ')}.`);

/** Bytes that were compressed would be taken for what they stand for. @throws ProblemError unsupported_media_type */
function refuseEncoded({ headers }: FastifyRequest): void {
  const coding = headers['content-encoding'] ?? identity;
  if (coding.toLowerCase() === identity) return;
  throw new ProblemError(
    'unsupported_media_type',
    `A body is taken as it is, not with Content-Encoding ${coding}.`,
    {
      headers: { 'accept-encoding': identity },
    },
  );
}

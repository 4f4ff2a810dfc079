import type { FastifyInstance } from 'fastify';
import { ProblemError } from './problems.js';

/**
 * Bounds what large answers take of memory until their clients have them, and for how long: behind so much time without
 * a byte of it taken, the connection is cut. An answer that the server itself has not gone on with is left alone.
 * Answers 429 `rate_limited` to a GET where there is no room; what else a request has done would be lost with its answer.
 * @param small an answer of at most so many characters or bytes costs little, and is neither counted nor watched
 * @param most so many characters or bytes all others that are under way have together; one alone may have more
 * @param patience milliseconds
 */
export function limitLargeAnswers(
  fastify: FastifyInstance,
  { small = 64 * 1024, most = 256 * 1024 * 1024, patience = 60_000 } = {},
): void {
  let held = 0;
  fastify.addHook('onSend', ({ method, socket }, { raw }, payload, done) => {
    const size = sizeOf(payload);
    if (size !== undefined && size <= small) {
      done(null, payload);
      return;
    }
    if (method === 'GET' && held > 0 && held + (size ?? 0) > most) {
      const headers = { 'retry-after': '1' };
      done(new ProblemError('rate_limited', noRoom(size), { headers }));
      return;
    }
    held += size ?? 0;
    raw.once('close', () => (held -= size ?? 0));
    // Node sets the connection's own time again once the answer is finished.
    raw.setTimeout(patience, () => {
      if (socket.writableLength > 0) socket.destroy();
    });
    done(null, payload);
  });
}

const noRoom = (size = 0): string => `There is no room for an answer of ${size} bytes beside the others now.`;

/** Of a stream nobody knows, and it is not held: what is made next waits for its reader. */
const sizeOf = (payload: unknown): number | undefined => {
  if (payload === null || payload === undefined) return 0;
  return typeof payload === 'string' || Buffer.isBuffer(payload) ? payload.length : undefined;
};

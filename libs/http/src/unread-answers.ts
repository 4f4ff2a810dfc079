import type { FastifyInstance } from 'fastify';

/**
 * Bounds how long a large answer is held for a client that does not read it: behind so much time without a byte of
 * it taken, the connection is cut. An answer that the server itself has not gone on with is left alone.
 * @param small an answer of at most so many characters costs little, and is not watched
 * @param patience milliseconds
 */
export function cutUnreadAnswers(
  fastify: FastifyInstance,
  { small = 64 * 1024, patience = 60_000 } = {},
): void {
  fastify.addHook('onSend', ({ socket }, { raw }, payload, done) => {
    const isSmall = payload == null || (typeof payload === 'string' && payload.length <= small);
    // Node sets the connection's own time again once the answer is finished.
    if (!isSmall)
      raw.setTimeout(patience, () => {
        if (socket.writableLength > 0) socket.destroy();
      });
    done(null, payload);
  });
}

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { bodyLimit, ProblemError } from './problems.js';

/** A request whose body has room, or waits for it. */
interface Place {
  readonly bytes: number;
  has: 'nothing' | 'room' | 'ended';
  readonly enter: () => void;
}

/**
 * Bounds what large bodies take of memory: a body becomes text, values and events, several times its size. Nothing of
 * one that waits for room has been read: its sender is held up by TCP. Answers 429 `rate_limited` to who has waited
 * for too long. To be called behind what refuses callers.
 * @param small a body of at most so many bytes never waits
 * @param most so many bytes all others that are under way have together
 * @param patience milliseconds
 */
export function limitLargeBodies(
  fastify: FastifyInstance,
  { small = 64 * 1024, most = 64 * 1024 * 1024, patience = 30_000 } = {},
): void {
  const waiting = new Set<Place>();
  let held = 0;
  const admit = (): void => {
    for (const place of waiting) {
      if (held + place.bytes > most) return;
      waiting.delete(place);
      held += place.bytes;
      place.has = 'room';
      place.enter();
    }
  };
  const leave = (place: Place): void => {
    waiting.delete(place);
    if (place.has === 'room') held -= place.bytes;
    place.has = 'ended';
    admit();
  };
  fastify.addHook('preParsing', (request, reply, payload, done) => {
    const bytes = sizeOf(request);
    if (bytes <= small || bytes > bodyLimit || reply.raw.destroyed) {
      done(null, payload);
      return;
    }
    const enter = (): void => {
      clearTimeout(timer);
      done(null, payload);
    };
    const place: Place = { bytes, has: 'nothing', enter };
    const timer = setTimeout(() => {
      leave(place);
      done(
        new ProblemError(
          'rate_limited',
          `There is no room for a body of ${bytes} bytes beside the others now.`,
          {
            headers: { 'retry-after': '1' },
          },
        ),
      );
    }, patience);
    reply.raw.once('close', () => {
      clearTimeout(timer);
      leave(place);
    });
    waiting.add(place);
    admit();
  });
}

/** Of a body that does not say how long it is no more is known than what it may have at most. */
const sizeOf = ({ headers }: FastifyRequest): number =>
  headers['transfer-encoding'] === undefined ? Number(headers['content-length'] ?? 0) : bodyLimit;

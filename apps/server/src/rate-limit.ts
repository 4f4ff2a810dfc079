import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance } from 'fastify';
import { isOpen } from '#access';
import { ProblemError } from '#http';

/**
 * Holds each caller that has a key to so many requests a minute, counted by this process; answers beyond are 429, and all
 * tell what is left (`RateLimit-*`, draft-ietf-httpapi-ratelimit-headers). To be registered behind the hook that
 * finds out who calls.
 */
export async function limitRate(fastify: FastifyInstance, perMinute: number): Promise<void> {
  await fastify.register(rateLimit, {
    max: perMinute,
    timeWindow: 60_000,
    enableDraftSpec: true,
    addHeaders: { 'retry-after': true },
    cache: 100_000,
    // Health and the description of the API are nobody's in particular.
    allowList: isOpen,
    keyGenerator: (request) => (isOpen(request) ? request.ip : request.ctx.principal.principalId),
    errorResponseBuilder: (_request, { max, after }) =>
      new ProblemError(
        'rate_limited',
        `A caller has ${String(max)} requests a minute; try again in ${after}.`,
      ),
  });
}

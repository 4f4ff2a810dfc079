import { describe, expect, it } from '@jest/globals';
import { ServerUnreachable } from './errors.js';
import { ProblemAnswer } from './problem.js';
import { withRetries } from './retry.js';

const unreachable = new ServerUnreachable('http://server', 'ECONNREFUSED');

const attempt = async (
  failures: readonly Error[],
  giveUpAfter = 60_000,
  signal = new AbortController().signal,
) => {
  const left = [...failures];
  const told: Error[] = [];
  const outcome = await withRetries(
    () => {
      const failure = left.shift();
      return failure ? Promise.reject(failure) : Promise.resolve('done');
    },
    { giveUpAfter, firstPause: 1, signal, onFailure: (error) => told.push(error) },
  ).catch((error: unknown) => error);
  return { outcome, told };
};

describe('retries', () => {
  it('goes on after an outage and after refusals that may pass', async () => {
    const busy = new ProblemAnswer(503, { code: 'unavailable' }, undefined);
    expect(await attempt([unreachable, busy])).toEqual({ outcome: 'done', told: [unreachable, busy] });
  });

  it('ends at a refusal that will not pass', async () => {
    const fenced = new ProblemAnswer(403, { code: 'producer_fenced' }, undefined);
    expect(await attempt([fenced])).toEqual({ outcome: fenced, told: [] });
  });

  it('believes the server when it says whether a refusal may pass', async () => {
    const final = new ProblemAnswer(500, { code: 'broken', retryable: false }, undefined);
    expect((await attempt([final])).outcome).toBe(final);
  });

  it('gives up when the outage has lasted too long', async () => {
    expect((await attempt([unreachable], -1)).outcome).toBe(unreachable);
  });

  it('gives up at once when it is told to', async () => {
    expect((await attempt([unreachable], 60_000, AbortSignal.abort())).outcome).toBe(unreachable);
  });
});

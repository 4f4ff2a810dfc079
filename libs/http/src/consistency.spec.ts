import { expect, test } from '@jest/globals';
import type { EventStore } from '#eventsourcing';
import { changed, positionOf, ReadModelClock, waitForPolicy } from './consistency.js';
import type { RequestContext } from './context.js';

/** A clock whose read models have come somewhere, and which tells what it was asked. */
class Clock extends ReadModelClock {
  readonly asked: [string, bigint][] = [];

  constructor(private readonly at: bigint) {
    super();
  }

  override reached(projection: string, position: bigint): Promise<boolean> {
    this.asked.push([projection, position]);
    return Promise.resolve(this.at >= position);
  }
}

const store = { head: () => Promise.resolve(9n) } as EventStore;
const reading = (mustReach?: bigint) => ({ mustReach }) as RequestContext;

test('a read waits for the policy first, and then for all that is stored by then', async () => {
  const clock = new Clock(9n);
  await waitForPolicy(clock, store, reading(5n), 'policy', 'rows');
  expect(clock.asked).toEqual([
    ['policy', 5n],
    ['rows', 9n],
  ]);
});

test('a read without a token waits for nothing', async () => {
  const clock = new Clock(0n);
  await waitForPolicy(clock, store, reading(), 'policy', 'rows');
  expect(clock.asked).toEqual([]);
});

test.each([4n, 5n])('a read is refused when what it waits for has come to %i alone', async (at) => {
  await expect(waitForPolicy(new Clock(at), store, reading(5n), 'policy', 'rows')).rejects.toMatchObject({
    code: 'projection_lagging',
  });
});

test('the newest of a process’ own changes is what an answer that stored nothing tells', () => {
  const written: { position?: bigint } = {};
  const told = (position?: bigint) => {
    const headers: string[] = [];
    const reply = { header: (_: string, token: string) => headers.push(token) };
    changed({ written, reply } as unknown as RequestContext, position);
    return headers.map(positionOf);
  };
  expect([told(), told(27n), told(5n), told()]).toEqual([[], [27n], [5n], [27n]]);
  expect([told(28n), told()]).toEqual([[28n], [28n]]);
});

test.each(['ct1.', 'ct1.g', `ct1.${'1'.repeat(17)}`, 'ct2.1', ''])('%j is no token', (token) => {
  expect(() => positionOf(token)).toThrow(expect.objectContaining({ code: 'invalid_consistency_token' }));
});

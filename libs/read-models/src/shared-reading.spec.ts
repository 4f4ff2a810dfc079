import { randomUUID } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { RecordedEvent, SubscribeAllOptions } from '#eventsourcing';
import { MemoryEventStore } from '../../../test/support/memory-event-store.js';
import { SharedReading } from './index.js';

const metadata = {
  $correlationId: 'c',
  $causationId: 'c',
  actor: 'a',
  project: 'p',
  at: '2026-01-01T00:00:00.000Z',
};

/** Counts who reads. */
class Watched extends MemoryEventStore {
  subscriptions: SubscribeAllOptions[] = [];

  override subscribeAll(options: SubscribeAllOptions) {
    this.subscriptions.push(options);
    return super.subscribeAll(options);
  }

  get open(): number {
    return this.subscriptions.filter(({ signal }) => !signal.aborted).length;
  }
}

async function happens(store: MemoryEventStore, category: string): Promise<void> {
  await store.append(`${category}-${randomUUID()}`, 'none', [
    { id: randomUUID(), type: 'Made', data: {}, metadata },
  ]);
}

interface Follower {
  readonly prefixes: readonly string[];
  readonly after: bigint;
  readonly events: RecordedEvent[];
  position: bigint;
  caughtUp: boolean;
  /** How many turns it takes over each batch. */
  slowness: number;
  stop(): Promise<void>;
}

function follow(reading: SharedReading, after: bigint, prefixes: readonly string[], slowness = 0): Follower {
  const abort = new AbortController();
  const events: RecordedEvent[] = [];
  const follower = { prefixes, after, events, position: after, caughtUp: false, slowness };
  const done = (async () => {
    for await (const batch of reading.subscribe(after, prefixes, abort.signal)) {
      for (let n = 0; n < follower.slowness && !abort.signal.aborted; n++) await turn();
      events.push(...batch.events);
      follower.position = batch.position;
      follower.caughtUp = batch.caughtUp;
    }
  })();
  return Object.assign(follower, {
    stop: async () => {
      abort.abort();
      await done;
    },
  });
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await turn();
}

const expected = (store: MemoryEventStore, { after, prefixes }: Follower) =>
  store.events.filter(
    ({ position, stream }) => position > after && prefixes.some((prefix) => stream.startsWith(prefix)),
  );

describe('a shared reading', () => {
  it('gives each what is for it from one subscription, and what comes then', async () => {
    const store = new Watched(3);
    for (let n = 0; n < 10; n++) await happens(store, n % 2 === 0 ? 'run' : 'log');
    const reading = new SharedReading(store);
    const followers = [['run-'], ['log-'], ['run-', 'log-'], ['none-']].map((prefixes) =>
      follow(reading, 0n, prefixes),
    );
    await until(() => followers.every(({ position }) => position === 10n));
    await happens(store, 'run');
    await until(() => followers.every(({ position, caughtUp }) => position === 11n && caughtUp));
    for (const follower of followers) expect(follower.events).toEqual(expected(store, follower));
    expect(store.subscriptions).toHaveLength(1);
    await Promise.all(followers.map((follower) => follower.stop()));
    expect(store.open).toBe(0);
  });

  it('joins those who have caught up from somewhere else to the one that was there', async () => {
    const store = new Watched(2);
    for (let n = 0; n < 12; n++) await happens(store, 'run');
    const reading = new SharedReading(store);
    const followers = [0n, 5n, 12n].map((after) => follow(reading, after, ['run-']));
    await until(() => followers.every(({ caughtUp }) => caughtUp) && store.open === 1);
    await happens(store, 'run');
    await until(() => followers.every(({ position }) => position === 13n));
    for (const follower of followers) expect(follower.events).toEqual(expected(store, follower));
    await Promise.all(followers.map((follower) => follower.stop()));
  });

  it('lets nobody wait for one who never takes what it got, and bounds what is kept for it', async () => {
    const store = new Watched(1);
    const reading = new SharedReading(store);
    const stuck = follow(reading, 0n, ['run-'], Infinity);
    const quick = follow(reading, 0n, ['run-']);
    await happens(store, 'run');
    await until(() => quick.position === 1n);
    for (let n = 2; n < 20; n++) {
      await happens(store, 'run');
      await until(() => quick.position === BigInt(n));
    }
    stuck.slowness = 0;
    await until(() => stuck.position === 19n);
    expect(stuck.events).toEqual(expected(store, stuck));
    await Promise.all([stuck, quick].map((follower) => follower.stop()));
  });

  it('ends for all when the store ends, and throws to all what the store throws', async () => {
    const store = new Watched();
    const broken = Object.assign(Object.create(store) as Watched, {
      subscribeAll: () => {
        throw new Error('no such store');
      },
    });
    const closed = Object.assign(Object.create(store) as Watched, {
      subscribeAll: async function* () {
        // It is over at once.
      },
    });
    const all = (reading: SharedReading) =>
      Promise.all(
        [1, 2].map(async () => {
          for await (const batch of reading.subscribe(0n, ['run-'], new AbortController().signal))
            return batch;
          return undefined;
        }),
      );
    await expect(all(new SharedReading(broken))).rejects.toThrow('no such store');
    expect(await all(new SharedReading(closed))).toEqual([undefined, undefined]);
  });

  it('gives each exactly what it would get alone, whoever comes, goes and lags', async () => {
    const prefixes = fc.subarray(['run-', 'runLog-', 'log-'], { minLength: 1 });
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.constantFrom('run', 'runLog', 'log', 'other') },
      fc.record({ back: fc.nat(20), prefixes, slowness: fc.constantFrom(0, 0, 3, 30) }),
      fc.record({ stop: fc.nat(5) }),
      fc.constant('turn' as const),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 60 }),
        fc.integer({ min: 1, max: 5 }),
        async (steps, size) => {
          const store = new Watched(size);
          const reading = new SharedReading(store);
          const followers: Follower[] = [];
          for (const one of steps) {
            if (one === 'turn') await turn();
            else if (typeof one === 'string') await happens(store, one);
            else if ('stop' in one) await followers.splice(one.stop, 1)[0]?.stop();
            else {
              const after = BigInt(Math.max(0, store.events.length - one.back));
              followers.push(follow(reading, after, one.prefixes, one.slowness));
            }
          }
          const head = BigInt(store.events.length);
          await until(() => followers.every(({ position, caughtUp }) => position >= head && caughtUp));
          for (const follower of followers) expect(follower.events).toEqual(expected(store, follower));
          await Promise.all(followers.map((follower) => follower.stop()));
          expect(store.open).toBe(0);
        },
      ),
    );
  });
});

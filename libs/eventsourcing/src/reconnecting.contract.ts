import { expect, test } from '@jest/globals';
import {
  all,
  follow,
  ids,
  newEvent,
  newEvents,
  onlyPrefix,
  streamName,
  untilAvailable,
  type Opened,
} from './contract-tools.contract.js';
import type { RecordedEvent } from './event.js';
import { RevisionConflict, StoreUnavailable } from './event-store.js';

export function reconnecting(opened: Opened): void {
  test('subscriptions go on without a gap or a duplicate', async () => {
    const harness = opened();
    const { store } = harness;
    const prefix = onlyPrefix();
    const stream = `${prefix}a`;
    const after = await store.head();
    const toAll = follow((signal) => store.subscribeAll({ after, prefixes: [prefix], signal }));
    const toStream = follow((signal) => store.subscribeStream(stream, { signal }));
    const events = newEvents(40);
    for (const [n, event] of events.entries()) {
      if (n % 10 === 5) await harness.breakConnections();
      await untilAvailable(() => store.append(stream, n === 0 ? 'none' : n - 1, [event]));
      if (n % 10 === 4) await Promise.all([toAll, toStream].map((f) => f.until(() => f.events.length > n)));
    }
    for (const follower of [toAll, toStream]) {
      await follower.until(() => follower.events.length >= events.length);
      expect(ids(follower.events)).toEqual(ids(events));
      await follower.caughtUp();
    }
  });

  test('a subscriber that pauses meanwhile loses nothing', async () => {
    const harness = opened();
    const { store } = harness;
    const prefix = onlyPrefix();
    const after = await store.head();
    const abort = new AbortController();
    const options = { after, prefixes: [prefix], batchSize: 50, signal: abort.signal };
    const batches = store.subscribeAll(options)[Symbol.asyncIterator]();
    await batches.next();
    const events = Array.from({ length: 600 }, (_, n) => newEvent({ n, text: 'x'.repeat(2_000) }));
    for (let from = 0; from < events.length; from += 100)
      await store.append(`${prefix}a`, 'any', events.slice(from, from + 100));
    await harness.breakConnections();
    const seen: RecordedEvent[] = [];
    while (seen.length < events.length) {
      const next = await batches.next();
      if (next.done === true) break;
      seen.push(...next.value.events);
    }
    abort.abort();
    expect((await batches.next()).done).toBe(true);
    expect(ids(seen)).toEqual(ids(events));
  });

  test('appends and reads work again', async () => {
    const harness = opened();
    const { store } = harness;
    const stream = streamName();
    const events = newEvents(2);
    // The test before has cut connections too.
    await untilAvailable(() => store.append(stream, 'none', events.slice(0, 1)));
    await harness.breakConnections();
    const { revision } = await untilAvailable(() => store.append(stream, 0, events.slice(1)));
    expect(revision).toBe(1);
    await harness.breakConnections();
    expect(ids(await untilAvailable(() => all(store.readStream(stream))))).toEqual(ids(events));
    await harness.breakConnections();
    expect(await untilAvailable(() => store.head())).toBeGreaterThan(0n);
  });

  test('an append that was cut off is stored once when it is tried again with the same ids', async () => {
    const harness = opened();
    const { store } = harness;
    const stream = streamName();
    const events = Array.from({ length: 100 }, (_, n) => newEvent({ n, text: 'x'.repeat(20_000) }));
    const append = (n: number) => store.append(stream, n === 0 ? 'none' : n - 1, events.slice(n, n + 1));
    await untilAvailable(() => append(0));
    const inFlight = Promise.allSettled(events.slice(1).map((_, n) => append(n + 1)));
    await append(0);
    await harness.breakConnections();
    for (const result of await inFlight) {
      if (result.status === 'fulfilled') continue;
      expect([StoreUnavailable, RevisionConflict]).toContain((result.reason as Error).constructor);
    }
    for (const n of events.keys()) expect((await untilAvailable(() => append(n))).revision).toBe(n);
    expect(ids(await all(store.readStream(stream)))).toEqual(ids(events));
  });
}

import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  all,
  follow,
  ids,
  newEvents,
  onlyPrefix,
  streamName,
  type Opened,
} from './contract-tools.contract.js';
import type { Batch } from './event-store.js';

export function subscribing(opened: Opened): void {
  /** Six events in two streams of one prefix, with foreign ones in between. */
  const prepared = async () => {
    const { store } = opened();
    const prefix = onlyPrefix();
    const events = newEvents(6);
    const before = await store.head();
    await store.append(`${prefix}a`, 'none', events.slice(0, 2));
    await store.append(streamName(), 'none', newEvents(3));
    await store.append(`${prefix}b`, 'none', events.slice(2, 5));
    await store.append(`${prefix}a`, 1, events.slice(5));
    return { store, prefix, prefixes: [prefix], events, before };
  };

  test('to all: what is stored comes first, then the caught-up signal, then what is written', async () => {
    const { store, prefix, prefixes, events, before } = await prepared();
    const follower = follow((signal) => store.subscribeAll({ after: before, prefixes, signal }));
    await follower.caughtUp();
    expect(ids(follower.events)).toEqual(ids(events));
    const live = newEvents(2);
    await store.append(`${prefix}c`, 'none', live);
    await follower.until(() => follower.events.length === 8);
    expect(ids(follower.events)).toEqual(ids([...events, ...live]));
    expect(follower.events).toEqual(await all(store.readAll({ after: before, prefixes })));
    await follower.caughtUp();
  });

  test('to all without a prefix: the events of every stream', async () => {
    const { store, events, before } = await prepared();
    const follower = follow((signal) => store.subscribeAll({ after: before, signal }));
    await follower.caughtUp();
    expect(ids(follower.events).filter((id) => ids(events).includes(id))).toEqual(ids(events));
    expect(follower.events.length).toBeGreaterThanOrEqual(9);
  });

  test('to all from the very first event', async () => {
    const { store, prefixes, events } = await prepared();
    const follower = follow((signal) => store.subscribeAll({ prefixes, signal }));
    await follower.caughtUp();
    expect(ids(follower.events)).toEqual(ids(events));
  });

  test('to one stream: from its first event, live after that', async () => {
    const { store, prefix } = await prepared();
    const stream = `${prefix}a`;
    const follower = follow((signal) => store.subscribeStream(stream, { signal }));
    await follower.caughtUp();
    await store.append(stream, 2, newEvents(2));
    await follower.until(() => follower.events.length === 5);
    expect(follower.events).toEqual(await all(store.readStream(stream)));
    expect(follower.last?.position).toBeGreaterThanOrEqual(follower.events.at(-1)?.position ?? 0n);
  });

  test('to one stream after any revision', async () => {
    const { store, prefix } = await prepared();
    for (const after of [0, 1, 2]) {
      const follower = follow((signal) => store.subscribeStream(`${prefix}a`, { after, signal }));
      await follower.caughtUp();
      expect(follower.events.map(({ revision }) => revision)).toEqual([0, 1, 2].slice(after + 1));
    }
  });

  test('to a stream that does not exist yet: caught up at once, then its first event', async () => {
    const { store } = opened();
    const stream = streamName();
    const follower = follow((signal) => store.subscribeStream(stream, { signal }));
    await follower.caughtUp();
    await store.append(stream, 'none', newEvents(1));
    await follower.until(() => follower.events.length === 1);
  });

  test('the position moves on past events that do not match', async () => {
    const { store, prefixes } = await prepared();
    const { position } = await store.append(streamName(), 'none', newEvents(1));
    const follower = follow((signal) => store.subscribeAll({ prefixes, signal }));
    await follower.caughtUp();
    const noise = streamName();
    let later = await store.append(noise, 'none', newEvents(1));
    const first = later.position;
    while ((follower.last?.position ?? 0n) < first)
      later = await store.append(noise, later.revision, newEvents(1));
    expect(first).toBeGreaterThan(position);
    expect(follower.events).toHaveLength(6);
  });

  test('positions of batches never go back and never run ahead of an event still to come', async () => {
    const { store, prefix, prefixes } = await prepared();
    const follower = follow((signal) => store.subscribeAll({ prefixes, batchSize: 2, signal }));
    for (let n = 0; n < 20; n++)
      await store.append(n % 2 === 0 ? `${prefix}d` : streamName(), 'any', newEvents(1));
    await follower.until(() => follower.events.length === 16);
    let reached = -1n;
    for (const { events, position } of follower.batches) {
      for (const event of events) expect(event.position).toBeGreaterThan(reached);
      expect(position).toBeGreaterThanOrEqual(events.at(-1)?.position ?? reached);
      reached = position;
    }
  });

  test('resuming after any position, of an event or a batch, yields exactly the rest', async () => {
    const { store, prefixes, before } = await prepared();
    const follower = follow((signal) => store.subscribeAll({ after: before, prefixes, signal }));
    await follower.caughtUp();
    const positions = [
      before,
      ...follower.events.map((e) => e.position),
      ...follower.batches.map((b) => b.position),
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...positions),
        fc.integer({ min: 1, max: 8 }),
        async (after, batchSize) => {
          const resumed = follow((signal) => store.subscribeAll({ after, prefixes, batchSize, signal }));
          await resumed.caughtUp();
          expect(resumed.events).toEqual(follower.events.filter(({ position }) => position > after));
          expect(Math.max(...resumed.batches.map(({ events }) => events.length))).toBeLessThanOrEqual(
            batchSize,
          );
          await resumed.stop();
        },
      ),
      { numRuns: 20 },
    );
  });

  test('no batch is larger than asked for', async () => {
    const { store } = opened();
    const stream = streamName();
    await store.append(stream, 'none', newEvents(50));
    const follower = follow((signal) => store.subscribeStream(stream, { batchSize: 7, signal }));
    await follower.until(() => follower.events.length === 50);
    expect(Math.max(...follower.batches.map(({ events }) => events.length))).toBeLessThanOrEqual(7);
  });

  test('an aborted signal ends the iteration: before it starts, while it waits, and between batches', async () => {
    const { store, prefixes } = await prepared();
    expect(await all(store.subscribeAll({ prefixes, signal: AbortSignal.abort() }))).toEqual([]);
    const waiting = follow((signal) => store.subscribeAll({ prefixes, signal }));
    await waiting.caughtUp();
    await waiting.stop();
    const abort = new AbortController();
    const batches: Batch[] = [];
    for await (const batch of store.subscribeAll({ prefixes, batchSize: 1, signal: abort.signal })) {
      batches.push(batch);
      abort.abort();
    }
    expect(batches).toHaveLength(1);
  });

  test('a subscription can be left by leaving the loop', async () => {
    const { store, prefixes } = await prepared();
    const { signal } = new AbortController();
    for await (const batch of store.subscribeAll({ prefixes, signal })) if (batch.caughtUp) break;
    expect(await store.head()).toBeGreaterThan(0n);
  });
}

import { beforeAll, expect, test } from '@jest/globals';
import { all, ids, newEvents, onlyPrefix, streamName, type Opened } from './contract-tools.contract.js';
import { digestOf, eventContent } from './content.js';
import type { NewEvent } from './event.js';
import type { ReadStreamOptions } from './event-store.js';

export function reading(opened: Opened): void {
  const stream = streamName();
  const many: NewEvent[] = newEvents(10_000);

  beforeAll(async () => {
    for (let from = 0; from < many.length; from += 1000) {
      await opened().store.append(stream, from === 0 ? 'none' : from - 1, many.slice(from, from + 1000));
    }
  });

  test('a stream of 10,000 events is read whole, oldest first, positions growing', async () => {
    const events = await all(opened().store.readStream(stream));
    expect(ids(events)).toEqual(ids(many));
    expect(events.map(({ revision }) => revision)).toEqual(many.map((_, n) => n));
    expect(events.every(({ position }, n) => n === 0 || position > (events[n - 1]?.position ?? 0n))).toBe(
      true,
    );
  });

  test('backwards is the same, newest first', async () => {
    const events = await all(opened().store.readStream(stream, { direction: 'backwards' }));
    expect(ids(events)).toEqual(ids(many).reverse());
  });

  test.each<[ReadStreamOptions, number, number]>([
    [{ limit: 3 }, 0, 3],
    [{ from: 5000, limit: 2500 }, 5000, 7500],
    [{ from: 9998 }, 9998, 10_000],
    [{ from: 10_000 }, 10_000, 10_000],
    [{ from: 20_000 }, 10_000, 10_000],
    [{ limit: 0 }, 0, 0],
  ])('forwards with %j', async (options, start, end) => {
    expect(ids(await all(opened().store.readStream(stream, options)))).toEqual(ids(many.slice(start, end)));
  });

  test.each<[ReadStreamOptions, number, number]>([
    [{ limit: 3 }, 9997, 10_000],
    [{ from: 5000, limit: 2500 }, 2501, 5001],
    [{ from: 1 }, 0, 2],
    [{ from: 20_000, limit: 1 }, 9999, 10_000],
  ])('backwards with %j', async (options, start, end) => {
    const events = await all(opened().store.readStream(stream, { ...options, direction: 'backwards' }));
    expect(ids(events)).toEqual(ids(many.slice(start, end)).reverse());
  });

  test('an absent stream is empty both ways', async () => {
    const { store } = opened();
    expect(await all(store.readStream(streamName()))).toEqual([]);
    expect(await all(store.readStream(streamName(), { direction: 'backwards', from: 3 }))).toEqual([]);
  });

  test('a reading that is left early leaves the store usable', async () => {
    const { store } = opened();
    for await (const event of store.readStream(stream)) if (event.revision === 2) break;
    for await (const _ of store.readAll()) break;
    expect(await all(store.readStream(stream, { limit: 1 }))).toHaveLength(1);
  });

  test('the global order is read by prefix, after a position, up to a limit', async () => {
    const { store } = opened();
    const prefix = onlyPrefix();
    const before = await store.head();
    const [a, b, c] = [newEvents(3), newEvents(3), newEvents(3)];
    await store.append(`${prefix}a`, 'none', a);
    await store.append(`not-${prefix}`, 'none', newEvents(3));
    await store.append(`${prefix}b`, 'none', b);
    await store.append(`x${prefix}c`, 'none', c);
    const prefixes = [prefix, `x${prefix}`];
    const events = await all(store.readAll({ prefixes, after: before }));
    expect(ids(events)).toEqual(ids([...a, ...b, ...c]));
    expect(await all(store.readAll({ prefixes }))).toEqual(events);
    expect(await all(store.readAll({ prefixes, after: events[3]?.position ?? 0n, limit: 4 }))).toEqual(
      events.slice(4, 8),
    );
    expect(await all(store.readAll({ prefixes, after: events[8]?.position ?? 0n }))).toEqual([]);
    expect(await all(store.readAll({ prefixes: [onlyPrefix()], after: before }))).toEqual([]);
  });

  test('the global order without a prefix holds every event in between', async () => {
    const { store } = opened();
    const events = newEvents(5);
    const before = await store.head();
    await store.append(streamName(), 'none', events.slice(0, 2));
    await store.append(streamName(), 'none', events.slice(2));
    const read = ids(await all(store.readAll({ after: before })));
    expect(read.filter((id) => ids(events).includes(id))).toEqual(ids(events));
  });

  test('the global order is read digested as well, each event as it would be after parsing', async () => {
    const { store } = opened();
    const prefix = onlyPrefix();
    const contents = [
      { text: 'ä😀\u2028 "\\', tiny: 1e-7, big: 1e21 },
      { 2: 'b', 1: 'a', nested: [{}] },
    ];
    const own = newEvents(3).map((event, n) => ({ ...event, data: contents[n] ?? event.data }));
    await store.append(`${prefix}a`, 'none', own);
    await store.append(`not-${prefix}`, 'none', newEvents(1));
    const events = await all(store.readAll({ prefixes: [prefix] }));
    const digested = events.map(({ metadata, data, ...which }) => ({
      ...which,
      digest: digestOf(eventContent({ metadata, data })),
    }));
    expect(await all(store.readDigests({ prefixes: [prefix] }))).toEqual(digested);
    const after = events[0]?.position ?? 0n;
    expect(await all(store.readDigests({ prefixes: [prefix], after, limit: 1 }))).toEqual([digested[1]]);
  });

  test('the head is not before any acknowledged append', async () => {
    const { store } = opened();
    const { position } = await store.append(streamName(), 'none', newEvents(2));
    expect(await store.head()).toBeGreaterThanOrEqual(position);
    expect(await (await opened().another()).head()).toBeGreaterThanOrEqual(position);
  });
}

import { createHash, randomBytes } from 'node:crypto';
import { beforeAll, expect, test } from '@jest/globals';
import {
  all,
  follow,
  ids,
  newEvent,
  newEvents,
  onlyPrefix,
  streamName,
  type Opened,
} from './contract-tools.contract.js';
import { eventContent } from './content.js';
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

  test('a prefix is compared character by character, whatever a language makes of them', async () => {
    const { store } = opened();
    const prefix = onlyPrefix();
    const before = await store.head();
    const streams = [`${prefix}a`, `${prefix}\u0301b`, `\u00ad${prefix}c`, `${prefix.slice(0, -1)}.d`];
    for (const stream of streams) await store.append(stream, 'none', newEvents(1));
    const selected = { after: before, prefixes: [prefix, `${prefix.slice(0, -1)}[`] };
    const read = await all(store.readAll(selected));
    expect(read.map(({ stream }) => stream)).toEqual(streams.slice(0, 2));
    const live = follow((signal) => store.subscribeAll({ ...selected, signal }));
    await live.caughtUp();
    expect(live.events).toEqual(read);
    expect(ids(await all(store.readAll({ after: before, prefixes: [] })))).toEqual(
      expect.arrayContaining(ids(read)),
    );
  });

  test('the global order is read backwards by prefix, before a position, up to a limit', async () => {
    const { store } = opened();
    const prefix = onlyPrefix();
    const before = await store.head();
    for (const stream of [`${prefix}a`, `not-${prefix}`, `${prefix}b`]) {
      await store.append(stream, 'none', newEvents(70));
    }
    const prefixes = [prefix];
    const events = await all(store.readAll({ prefixes, after: before }));
    expect(await all(store.readAllBackwards({ prefixes }))).toEqual(events.toReversed());
    const place = events[100]?.position ?? 0n;
    expect(await all(store.readAllBackwards({ prefixes, before: place }))).toEqual(
      events.slice(0, 100).reverse(),
    );
    expect(await all(store.readAllBackwards({ prefixes, before: place, limit: 80 }))).toEqual(
      events.slice(20, 100).reverse(),
    );
    expect(await all(store.readAllBackwards({ prefixes, before: events[0]?.position ?? 0n }))).toEqual([]);
    expect(ids(await all(store.readAllBackwards({ limit: 1 })))).toEqual([events.at(-1)?.id]);
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

  test('the head is not before any acknowledged append', async () => {
    const { store } = opened();
    const { position } = await store.append(streamName(), 'none', newEvents(2));
    expect(await store.head()).toBeGreaterThanOrEqual(position);
    expect(await (await opened().another()).head()).toBeGreaterThanOrEqual(position);
  });

  test('large data, repetitive or not, come back as they were, to every client', async () => {
    const { store } = opened();
    const prefix = onlyPrefix();
    const before = await store.head();
    const texts = [randomBytes(200_000).toString('base64'), 'Zoë 😀 "again" '.repeat(20_000), 'small'];
    const events = texts.map((text) => newEvent({ text }));
    await store.append(`${prefix}a`, 'none', events);
    const live = follow((signal) => store.subscribeAll({ after: before, prefixes: [prefix], signal }));
    await live.until(() => live.events.length === events.length);
    const read = await all((await opened().another()).readAll({ after: before, prefixes: [prefix] }));
    expect(read.map(({ data }) => data)).toEqual(events.map(({ data }) => data));
    expect(live.events).toEqual(read);
  });

  test('digests are those of the content of the events', async () => {
    const { store } = opened();
    const prefix = onlyPrefix();
    const before = await store.head();
    const data = [{ 2: 'b', 1: 'a' }, { text: 'Zoë 😀\u0000\ud800' }, { big: 'x'.repeat(50_000), n: 1e21 }];
    await store.append(
      `${prefix}a`,
      'none',
      data.map((one) => newEvent(one)),
    );
    await store.append(`${prefix}b`, 'none', [newEvent({ sealed: randomBytes(60_000).toString('base64') })]);
    const selected = { after: before, prefixes: [prefix] };
    const events = await all(store.readAll(selected));
    expect(events).toHaveLength(4);
    const digests = events.map(({ metadata, data: own, ...head }) => ({
      ...head,
      digest: createHash('sha256')
        .update(eventContent({ metadata, data: own }))
        .digest('hex'),
    }));
    expect(await all(store.readDigests(selected))).toEqual(digests);
    expect(await all(store.readDigests({ ...selected, limit: 2 }))).toEqual(digests.slice(0, 2));
  });
}

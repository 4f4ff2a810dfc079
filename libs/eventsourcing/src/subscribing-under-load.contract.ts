import { expect, test } from '@jest/globals';
import { all, follow, ids, newEvent, newEvents, onlyPrefix, type Opened } from './contract-tools.contract.js';
import type { NewEvent, RecordedEvent } from './event.js';

const expectOneOrder = (events: readonly RecordedEvent[]): void => {
  const next = new Map<string, number>();
  let reached = -1n;
  for (const { stream, revision, position } of events) {
    expect(position).toBeGreaterThan(reached);
    expect(revision).toBe(next.get(stream) ?? 0);
    next.set(stream, revision + 1);
    reached = position;
  }
};

export function subscribingUnderLoad(opened: Opened): void {
  /** Eight writers over two clients, four of them on one stream; calls back after every append. */
  const writeConcurrently = async (
    prefix: string,
    each: () => void = () => undefined,
  ): Promise<NewEvent[]> => {
    const clients = [opened().store, await opened().another()];
    const written: NewEvent[] = [];
    const writer = async (n: number): Promise<void> => {
      for (let round = 0; round < 25; round++) {
        const events = newEvents(1 + ((n + round) % 3));
        await clients[n % 2]?.append(`${prefix}${n < 4 ? 'shared' : n}`, 'any', events);
        written.push(...events);
        each();
      }
    };
    await Promise.all(Array.from({ length: 8 }, (_, n) => writer(n)));
    return written;
  };

  test('under concurrent writers a live subscriber sees every event once, in the one order of the store', async () => {
    const { store } = opened();
    const prefix = onlyPrefix();
    const after = await store.head();
    const filtered = follow((signal) => store.subscribeAll({ after, prefixes: [prefix], signal }));
    const everything = follow((signal) => store.subscribeAll({ after, signal }));
    await Promise.all([filtered.caughtUp(), everything.caughtUp()]);
    const written = await writeConcurrently(prefix);
    const mine = (): RecordedEvent[] => everything.events.filter(({ stream }) => stream.startsWith(prefix));
    await filtered.until(() => filtered.events.length >= written.length);
    await everything.until(() => mine().length >= written.length);
    expectOneOrder(filtered.events);
    expect(ids(filtered.events).sort()).toEqual(ids(written).sort());
    expect(mine()).toEqual(filtered.events);
    expect(await all(store.readAll({ after, prefixes: [prefix] }))).toEqual(filtered.events);
  });

  test('what does not match, behind a burst that does, is told of without another event', async () => {
    const { store } = opened();
    const prefix = onlyPrefix();
    const follower = follow((signal) => store.subscribeAll({ prefixes: [prefix], signal }));
    await follower.caughtUp();
    for (let round = 0; round < 3; round++) {
      await store.append(`${prefix}burst`, 'any', newEvents(500));
      await store.append(`not-${prefix}`, 'any', newEvents(1));
      const head = await store.head();
      await follower.until(() => (follower.last?.position ?? 0n) >= head && follower.last?.caughtUp === true);
    }
    expect(follower.events).toHaveLength(1_500);
  });

  test('subscriptions that begin while others write have no gap and no duplicate at the seam', async () => {
    const { store } = opened();
    const prefix = onlyPrefix();
    const after = await store.head();
    const followers: ReturnType<typeof follow>[] = [];
    let appends = 0;
    const written = await writeConcurrently(prefix, () => {
      if (++appends % 20 !== 0) return;
      followers.push(
        follow((signal) => store.subscribeAll({ after, prefixes: [prefix], batchSize: appends, signal })),
      );
      followers.push(follow((signal) => store.subscribeStream(`${prefix}shared`, { signal })));
    });
    const inOrder = await all(store.readAll({ after, prefixes: [prefix] }));
    const shared = inOrder.filter(({ stream }) => stream === `${prefix}shared`);
    expect(inOrder).toHaveLength(written.length);
    for (const [n, follower] of followers.entries()) {
      const wanted = n % 2 === 0 ? inOrder : shared;
      await follower.until(() => follower.events.length >= wanted.length);
      expect(ids(follower.events)).toEqual(ids(wanted));
      await follower.caughtUp();
    }
  });

  test('a subscriber that pauses for long loses nothing', async () => {
    const { store } = opened();
    const prefix = onlyPrefix();
    const abort = new AbortController();
    const after = await store.head();
    const subscription = store.subscribeAll({
      after,
      prefixes: [prefix],
      batchSize: 50,
      signal: abort.signal,
    });
    const batches = subscription[Symbol.asyncIterator]();
    await batches.next();
    const events = Array.from({ length: 3000 }, (_, n) => newEvent({ n, text: 'x'.repeat(2000) }));
    for (let from = 0; from < events.length; from += 100) {
      await store.append(`${prefix}slow`, 'any', events.slice(from, from + 100));
    }
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
}

import { expect, test } from '@jest/globals';
import { all, follow, ids, newEvents, streamName, type Opened } from './contract-tools.contract.js';
import { RevisionConflict } from './event-store.js';

export function removing(opened: Opened): void {
  const prepared = async () => {
    const { store } = opened();
    const stream = streamName();
    const events = newEvents(5);
    await store.append(stream, 'none', events);
    return { store, stream, events };
  };

  test('truncating removes what is before the revision; the rest keeps its numbers', async () => {
    const { store, stream, events } = await prepared();
    await store.truncateBefore(stream, 3);
    const left = await all(store.readStream(stream));
    expect(left.map(({ id, revision }) => [id, revision])).toEqual([
      [events[3]?.id, 3],
      [events[4]?.id, 4],
    ]);
    expect(await all(store.readStream(stream, { direction: 'backwards' }))).toEqual(left.toReversed());
    expect(await all(store.readStream(stream, { from: 1, limit: 1 }))).toEqual(left.slice(0, 1));
    expect((await store.append(stream, 4, newEvents(1))).revision).toBe(5);
  });

  test('truncating twice keeps the later of the two', async () => {
    const { store, stream } = await prepared();
    await store.truncateBefore(stream, 3);
    await store.truncateBefore(stream, 2);
    expect((await all(store.readStream(stream))).map(({ revision }) => revision)).toEqual([3, 4]);
  });

  test('truncating many streams at once removes from each what is before its own revision', async () => {
    const { store } = opened();
    const [one, two, three] = [await prepared(), await prepared(), await prepared()];
    await store.truncateAllBefore(
      new Map([
        [one.stream, 2],
        [two.stream, 4],
        [streamName(), 3],
      ]),
    );
    const left = async (stream: string): Promise<number[]> =>
      (await all(store.readStream(stream))).map(({ revision }) => revision);
    expect(await left(one.stream)).toEqual([2, 3, 4]);
    expect(await left(two.stream)).toEqual([4]);
    expect(await left(three.stream)).toEqual([0, 1, 2, 3, 4]);
  });

  test('truncating what is not there yet hides nothing that is written later', async () => {
    const { store, stream } = await prepared();
    const absent = streamName();
    await store.truncateAllBefore(
      new Map([
        [stream, 9],
        [absent, 9],
      ]),
    );
    const [later, first] = [newEvents(2), newEvents(2)];
    await expect(store.append(absent, 'exists', first)).rejects.toThrow(RevisionConflict);
    await store.append(stream, 4, later);
    await store.append(absent, 'none', first);
    expect(ids(await all(store.readStream(stream)))).toEqual(ids(later));
    expect(ids(await all(store.readStream(absent)))).toEqual(ids(first));
  });

  test('a subscription to a truncated stream begins with what is left', async () => {
    const { store, stream } = await prepared();
    await store.truncateBefore(stream, 4);
    const follower = follow((signal) => store.subscribeStream(stream, { signal }));
    await follower.caughtUp();
    expect(follower.events.map(({ revision }) => revision)).toEqual([4]);
  });

  test('an append whose events have been removed since is refused when it comes again', async () => {
    const { store, stream, events } = await prepared();
    await store.truncateBefore(stream, 5);
    await store.append(stream, 4, newEvents(2));
    await expect(store.append(stream, 'none', events)).rejects.toThrow(RevisionConflict);
    expect((await all(store.readStream(stream))).map(({ revision }) => revision)).toEqual([5, 6]);
  });

  test('a deleted stream is empty, and no longer exists for a writer', async () => {
    const { store, stream } = await prepared();
    await store.delete(stream);
    expect(await all(store.readStream(stream))).toEqual([]);
    expect(await all(store.readStream(stream, { direction: 'backwards' }))).toEqual([]);
    await expect(store.append(stream, 'exists', newEvents(1))).rejects.toThrow(RevisionConflict);
  });

  test.each(['none', 'any'] as const)(
    'a deleted stream is written again expecting %p, and numbers on',
    async (expected) => {
      const { store, stream } = await prepared();
      await store.delete(stream);
      const again = newEvents(2);
      const first = await store.append(stream, expected, again);
      expect(first.revision).toBe(6);
      expect(await store.append(stream, expected, again)).toEqual(first);
      const left = await all(store.readStream(stream));
      expect(left.map(({ id, revision }) => [id, revision])).toEqual([
        [again[0]?.id, 5],
        [again[1]?.id, 6],
      ]);
      expect(ids(await all(store.readStream(stream, { direction: 'backwards' })))).toEqual(
        ids(again).reverse(),
      );
      await expect(store.append(stream, 'none', newEvents(1))).rejects.toThrow(RevisionConflict);
      expect((await store.append(stream, 6, newEvents(1))).revision).toBe(7);
    },
  );

  test('deleting twice, or what never was, does nothing', async () => {
    const { store, stream } = await prepared();
    await store.delete(stream);
    await store.delete(stream);
    expect((await store.append(stream, 'none', newEvents(1))).revision).toBe(5);
    const absent = streamName();
    await store.delete(absent);
    expect((await store.append(absent, 'none', newEvents(1))).revision).toBe(0);
    expect(await all(store.readStream(absent))).toHaveLength(1);
  });
}

import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { all, ids, newEvent, newEvents, streamName, type Opened } from './contract-tools.contract.js';
import type { NewEvent } from './event.js';
import { AppendTooLarge, type ExpectedRevision, RevisionConflict } from './event-store.js';

/** Every kind of expectation, with how many events the stream must hold for it to be right. */
const right: [ExpectedRevision, number][] = [
  ['none', 0],
  ['any', 0],
  ['any', 2],
  ['exists', 2],
  [1, 2],
];
const wrong: [ExpectedRevision, number][] = [
  ['none', 2],
  ['exists', 0],
  [0, 0],
  [0, 2],
  [2, 2],
];

/** What comes next; an earlier append once more; one out of place; one behind that. Each of so many events. */
const steps = fc.array(
  fc.record({
    kind: fc.constantFrom('next', 'next', 'next', 'again', 'misplaced', 'behind'),
    count: fc.integer({ min: 1, max: 3 }),
    which: fc.nat(),
  }),
  { minLength: 2, maxLength: 20, size: 'max' },
);

interface Append {
  readonly expected: ExpectedRevision;
  readonly events: readonly NewEvent[];
}

export function appending(opened: Opened): void {
  /** A stream that already holds some events. */
  const prepared = async (count: number) => {
    const stream = streamName();
    const before = newEvents(count);
    if (count > 0) await opened().store.append(stream, 'none', before);
    return { store: opened().store, stream, before };
  };

  test.each(right)('expecting %p is written to a stream of %i events', async (expected, count) => {
    const { store, stream, before } = await prepared(count);
    const events = newEvents(3);
    const { revision, position } = await store.append(stream, expected, events);
    const read = await all(store.readStream(stream));
    expect(revision).toBe(count + 2);
    expect(position).toBe(read.at(-1)?.position);
    expect(read).toEqual(
      [...before, ...events].map((event, n) => ({
        ...event,
        stream,
        revision: n,
        position: expect.any(BigInt),
      })),
    );
  });

  test.each(wrong)(
    'expecting %p is refused on a stream of %i events, which stays as it was',
    async (expected, count) => {
      const { store, stream, before } = await prepared(count);
      const refusal: unknown = await store
        .append(stream, expected, newEvents(3))
        .catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(RevisionConflict);
      expect((refusal as RevisionConflict).stream).toBe(stream);
      expect((refusal as RevisionConflict).expected).toBe(expected);
      expect(ids(await all(store.readStream(stream)))).toEqual(ids(before));
    },
  );

  test.each(right)(
    'the same append again, expecting %p on %i events, answers the same',
    async (expected, count) => {
      const { store, stream, before } = await prepared(count);
      const events = newEvents(3);
      const first = await store.append(stream, expected, events);
      expect(await store.append(stream, expected, events)).toEqual(first);
      expect(ids(await all(store.readStream(stream)))).toEqual(ids([...before, ...events]));
    },
  );

  test.each<[ExpectedRevision, number]>([
    ['none', 0],
    [1, 2],
  ])(
    'the same append again, expecting %p, answers the same with later events behind it',
    async (expected, count) => {
      const { store, stream, before } = await prepared(count);
      const events = newEvents(3);
      const first = await store.append(stream, expected, events);
      const later = newEvents(2);
      await store.append(stream, first.revision, later);
      expect(await store.append(stream, expected, events)).toEqual(first);
      expect(ids(await all(store.readStream(stream)))).toEqual(ids([...before, ...events, ...later]));
    },
  );

  test('the same append by two clients at once is stored once and answers both the same', async () => {
    const { store, stream } = await prepared(0);
    const other = await opened().another();
    const events = newEvents(2);
    const [one, two] = await Promise.all([
      store.append(stream, 'none', events),
      other.append(stream, 'none', events),
    ]);
    expect(one).toEqual(two);
    expect(ids(await all(store.readStream(stream)))).toEqual(ids(events));
  });

  test('of different appends at one revision exactly one is stored', async () => {
    const { store, stream } = await prepared(1);
    const other = await opened().another();
    const writers = Array.from({ length: 10 }, (_, n) => (n % 2 === 0 ? store : other));
    const results = await Promise.allSettled(writers.map((writer) => writer.append(stream, 0, newEvents(2))));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await all(store.readStream(stream))).toHaveLength(3);
  });

  test.each(['none', 'any'] as const)(
    'appends in flight together, from %p, are stored in call order',
    async (start) => {
      const { store, stream } = await prepared(0);
      const sizes = [300_000, 10, 100_000, 0, 50_000, 1];
      const events = Array.from({ length: 60 }, (_, n) =>
        newEvent({ n, text: 'x'.repeat(sizes[n % 6] ?? 0) }),
      );
      const results = await Promise.all(
        events.map((event, n) =>
          store.append(stream, start === 'any' ? 'any' : n === 0 ? 'none' : n - 1, [event]),
        ),
      );
      expect(results.map(({ revision }) => revision)).toEqual(events.map((_, n) => n));
      expect(ids(await all(store.readStream(stream)))).toEqual(ids(events));
    },
  );

  test('appends in flight together end as they would one after the other, and so when they are repeated', async () => {
    const other = await opened().another();
    await fc.assert(
      fc.asyncProperty(steps, async (chosen) => {
        const { store } = opened();
        const stream = streamName();
        const outcome = ({ expected, events }: Append, by = store): Promise<unknown> =>
          by.append(stream, expected, events).then(
            ({ revision }) => revision,
            (error: unknown) => (error instanceof RevisionConflict ? 'conflict' : error),
          );
        const stored: (Append & { revision: number })[] = [];
        const outcomes: Promise<unknown>[] = [];
        const expected: unknown[] = [];
        let [tip, beyond] = [-1, 1_000];
        for (const { kind, count, which } of chosen) {
          const events = newEvents(count);
          const before = kind === 'again' ? stored[which % stored.length] : undefined;
          if (kind === 'misplaced' || kind === 'behind') {
            const misplaced = kind === 'behind' ? beyond : beyond + 100;
            beyond = misplaced + count;
            outcomes.push(outcome({ expected: misplaced, events }));
            expected.push('conflict');
          } else if (before !== undefined) {
            outcomes.push(outcome(before));
            expected.push(before.revision);
          } else {
            const next: Append = { expected: tip === -1 ? 'none' : tip, events };
            tip += count;
            stored.push({ ...next, revision: tip });
            outcomes.push(outcome(next));
            expected.push(tip);
          }
        }
        expect(await Promise.all(outcomes)).toEqual(expected);
        expect(await Promise.all(stored.map((append) => outcome(append, other)))).toEqual(
          stored.map(({ revision }) => revision),
        );
        expect(ids(await all(store.readStream(stream)))).toEqual(ids(stored.flatMap(({ events }) => events)));
      }),
      { numRuns: 50 },
    );
  });

  test('behind an append that was stored before, those in flight with it are stored, each where it says', async () => {
    const { store, stream } = await prepared(1);
    const events = newEvents(4);
    const first = await store.append(stream, 0, events.slice(0, 1));
    const other = await opened().another();
    const results = await Promise.all(events.map((event, n) => other.append(stream, n, [event])));
    const read = (await all(store.readStream(stream))).slice(1);
    expect(ids(read)).toEqual(ids(events));
    expect(results[0]).toEqual(first);
    expect(results.map(({ revision }) => revision)).toEqual([1, 2, 3, 4]);
    results.forEach(({ position }, n) => {
      expect(position).toBeGreaterThanOrEqual(read[n]?.position ?? 0n);
      expect(position).toBeLessThanOrEqual(read.at(-1)?.position ?? 0n);
    });
  });

  test('appends in flight behind one that is refused are refused too', async () => {
    const { store, stream } = await prepared(1);
    const results = await Promise.allSettled(
      [5, 6, 7].map((expected) => store.append(stream, expected, [newEvent()])),
    );
    expect(results).toEqual(
      Array.from({ length: 3 }, () => ({ status: 'rejected', reason: expect.any(RevisionConflict) })),
    );
    expect(await all(store.readStream(stream))).toHaveLength(1);
  });

  test('appends that follow one that is refused fall with it, also where another writer has come to their revision', async () => {
    const { store, stream, before } = await prepared(3);
    const results = await Promise.allSettled(
      [0, 1, 2].map((expected) => store.append(stream, expected, [newEvent()])),
    );
    expect(results).toEqual(
      Array.from({ length: 3 }, () => ({ status: 'rejected', reason: expect.any(RevisionConflict) })),
    );
    expect(ids(await all(store.readStream(stream)))).toEqual(ids(before));
    expect(await store.append(stream, 2, [newEvent()])).toMatchObject({ revision: 3 });
  });

  test('events of 1 MB come back as they were', async () => {
    const { store, stream } = await prepared(0);
    const events = ['a', 'b', 'c'].map((letter) => newEvent({ text: letter.repeat(1_000_000) }));
    for (const event of events) await store.append(stream, 'any', [event]);
    expect((await all(store.readStream(stream))).map(({ data }) => data)).toEqual(
      events.map(({ data }) => data),
    );
  });

  test('three of them at once are stored as well, or are too large and leave nothing', async () => {
    const { store, stream } = await prepared(0);
    const events = ['a', 'b', 'c'].map((letter) => newEvent({ text: letter.repeat(1_000_000) }));
    const outcome = await store.append(stream, 'none', events).then(
      () => events.length,
      (error: unknown) => {
        if (!(error instanceof AppendTooLarge)) throw error;
        expect(error.limit).toBeGreaterThan(1_000_000);
        return 0;
      },
    );
    expect(await all(store.readStream(stream))).toHaveLength(outcome);
  });

  test('any Unicode in stream names, types and data comes back as it was', async () => {
    const { store } = opened();
    const text = 'Zoë 😀 \u2028\u2029 \u0001\u001f "\\" \ufeff \ud83d\ude00 עברית %20 \'; {} ${x}';
    const lone = { high: '\ud800', low: '\udc00', [text]: [null, true, -1.5e-7, '', { deep: [] }] };
    const stream = `${text}/${streamName()}`;
    const event = newEvent(lone, `Geschehen 😀 ${text}`);
    await store.append(stream, 'none', [event]);
    const [read] = await all(store.readStream(stream));
    expect(read).toMatchObject({ stream, type: event.type, data: lone });
    const [onAll] = await all(store.readAll({ prefixes: [stream] }));
    expect(onAll).toEqual(read);
  });
}

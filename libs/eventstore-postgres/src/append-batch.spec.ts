import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ExpectedRevision } from '#eventsourcing';
import { batchOf, type PendingAppend } from './append-batch.js';

const mebibyte = 1024 * 1024;

const appendOf = (
  stream: string,
  expected: ExpectedRevision,
  { events = 1, bytes = 1, alone = false } = {},
): PendingAppend => ({
  ...{ stream, expected, bytes, alone, encoded: Array.from({ length: events }, () => ({}) as never) },
  resolve: () => undefined,
  reject: () => undefined,
});

const queue = fc.array(
  fc
    .record({
      stream: fc.constantFrom('a', 'b', 'c'),
      expected: fc.constantFrom<ExpectedRevision>('any', 'none', 'exists', 0, 1, 2),
      events: fc.constantFrom(1, 2, 1_000, 1_001),
      bytes: fc.constantFrom(1, 4 * mebibyte, 4 * mebibyte + 1),
      alone: fc.constantFrom(false, false, false, true),
    })
    .map(({ stream, expected, ...more }) => appendOf(stream, expected, more)),
  { minLength: 1, maxLength: 8 },
);

/** Whether these are joined in one batch. */
const joined = (...appends: PendingAppend[]): boolean => batchOf(appends).flat().length === appends.length;
const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);

test('a batch is the head of the queue, and no larger than it may be', () => {
  fc.assert(
    fc.property(queue, (appends) => {
      const batch = batchOf(appends);
      const taken = batch.flat();
      expect(new Set(taken)).toEqual(new Set(appends.slice(0, taken.length)));
      expect(new Set(batch.map(([first]) => first.stream)).size).toBe(batch.length);
      expect(taken.length).toBeGreaterThan(0);
      if (taken.length === 1) return;
      expect(sum(taken.map(({ encoded }) => encoded.length))).toBeLessThanOrEqual(2_000);
      expect(sum(taken.map(({ bytes }) => bytes))).toBeLessThanOrEqual(8 * mebibyte);
      expect(taken.some(({ alone }) => alone)).toBe(false);
    }),
  );
});

test.each<[string, PendingAppend, PendingAppend, boolean]>([
  ['of two streams', appendOf('a', 'any'), appendOf('b', 'none'), true],
  ['as large as may be', appendOf('a', 0, { events: 1_000 }), appendOf('b', 0, { events: 1_000 }), true],
  ['larger by an event', appendOf('a', 0, { events: 1_000 }), appendOf('b', 0, { events: 1_001 }), false],
  [
    'as long as may be',
    appendOf('a', 0, { bytes: 4 * mebibyte }),
    appendOf('b', 0, { bytes: 4 * mebibyte }),
    true,
  ],
  [
    'longer by a byte',
    appendOf('a', 0, { bytes: 4 * mebibyte }),
    appendOf('b', 0, { bytes: 4 * mebibyte + 1 }),
    false,
  ],
  ['of which the first is tried alone', appendOf('a', 0, { alone: true }), appendOf('b', 0), false],
  ['of which the second is tried alone', appendOf('a', 0), appendOf('b', 0, { alone: true }), false],
  ['that follow each other', appendOf('a', 'none', { events: 3 }), appendOf('a', 2), true],
  ['that follow each other, later', appendOf('a', 4, { events: 2 }), appendOf('a', 6), true],
  ['of which the second expects another end', appendOf('a', 4, { events: 2 }), appendOf('a', 5), false],
  ['of which the first takes any end', appendOf('a', 'any', { events: 2 }), appendOf('a', 0), false],
  ['of which the first takes any but none', appendOf('a', 'exists', { events: 4 }), appendOf('a', 0), false],
  ['of which both take any end', appendOf('a', 'any'), appendOf('a', 'any'), false],
])('appends %s are, or are not, stored together', (_what, first, second, together) => {
  expect(joined(first, second)).toBe(together);
});

test('of those that follow each other each expects the end of the one before', () => {
  expect(joined(appendOf('a', 'none'), appendOf('a', 0), appendOf('a', 1))).toBe(true);
  expect(joined(appendOf('a', 'none'), appendOf('a', 0), appendOf('a', 0))).toBe(false);
});

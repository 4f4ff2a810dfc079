import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { dueCount, eagerest, type Limits, removalOf } from './due.js';
import { durationOf, later, surelyBefore } from './duration.js';
import type { Piece } from './retained-content.js';

const now = Date.parse('2026-03-31T12:00:00Z');
const day = 86_400_000;
const subject = '01990000-0000-7000-8000-000000000001';

const pieces: fc.Arbitrary<Piece[]> = fc
  .array(
    fc.record({
      lines: fc.integer({ min: 1, max: 5 }),
      bytes: fc.integer({ min: 1, max: 9 }),
      age: fc.nat(60),
      over: fc.boolean(),
    }),
    { maxLength: 12 },
  )
  .map((all) => {
    let seq = 0;
    return all.map(({ lines, bytes, age, over }, revision) => {
      const first_seq = seq + 1;
      seq += lines;
      const dated = now - age * day;
      const times = { dated, from: dated - 5, to: dated };
      return {
        subject_id: subject,
        first_seq,
        last_seq: seq,
        bytes,
        ...times,
        revision,
        run_ids: [],
        user_ids: [],
        over,
      };
    });
  });
const limits: fc.Arbitrary<Limits> = fc.record({
  maxAge: fc.option(fc.nat(60).map((days) => ({ months: 0, milliseconds: days * day }))),
  maxBytes: fc.option(fc.nat(60)),
});
const total = (some: readonly Piece[]): number => some.reduce((sum, { bytes }) => sum + bytes, 0);

describe('what is due', () => {
  const stays = ({ over }: Piece): boolean => !over;

  test('is the longest run of oldest pieces of which each is too old, or too much with all behind it, and none stays', () => {
    fc.assert(
      fc.property(pieces, limits, (all, limit) => {
        const isDue = (piece: Piece, n: number): boolean =>
          piece.over &&
          ((limit.maxAge !== null && now - piece.dated >= limit.maxAge.milliseconds) ||
            (limit.maxBytes !== null && total(all.slice(n)) > limit.maxBytes));
        const first = all.findIndex((piece, n) => !isDue(piece, n));
        expect(dueCount(all, total(all), limit, now, stays)).toBe(first === -1 ? all.length : first);
      }),
    );
  });

  test('is the same when it is found in steps', () => {
    fc.assert(
      fc.property(pieces, limits, fc.integer({ min: 1, max: 4 }), (all, limit, step) => {
        let removed = 0;
        for (let more = true; more;) {
          const some = all.slice(removed, removed + step);
          const n = dueCount(some, total(all.slice(removed)), limit, now, stays);
          removed += n;
          more = n === step;
        }
        expect(removed).toBe(dueCount(all, total(all), limit, now, stays));
      }),
    );
  });

  test('is never left out by the first look', () => {
    fc.assert(
      fc.property(pieces, fc.array(limits, { minLength: 1, maxLength: 3 }), (all, some) => {
        const eager = eagerest(some, now);
        const [oldest] = all;
        const looked =
          oldest !== undefined &&
          ((eager.dated !== '-infinity' && oldest.dated <= Date.parse(eager.dated)) ||
            total(all) > eager.bytes);
        if (some.some((limit) => dueCount(all, total(all), limit, now, () => false) > 0))
          expect(looked).toBe(true);
      }),
    );
  });

  test('becomes one removal that says where it begins and ends', () => {
    const piece = { subject_id: subject, bytes: 4, dated: now, run_ids: [], user_ids: [], over: true };
    const one = { ...piece, first_seq: 3, last_seq: 5, from: now - 9, to: now - 1, revision: 4 };
    const two = { ...piece, first_seq: 6, last_seq: 6, from: now - 20, to: now - 10, revision: 6 };
    expect(removalOf([one, two])).toEqual({
      ...{ id: subject, after_seq: 2, through_seq: 6, revision: 7, bytes: 8 },
      from: new Date(now - 20).toISOString(),
      to: new Date(now - 1).toISOString(),
    });
  });
});

describe('a duration', () => {
  test.each([
    ['P1M', '2026-01-31T00:00:00.000Z', '2026-02-28T00:00:00.000Z'],
    ['P1Y', '2024-02-29T10:00:00.000Z', '2025-02-28T10:00:00.000Z'],
    ['P2W1DT1H30M1.5S', '2026-01-01T00:00:00.000Z', '2026-01-16T01:30:01.500Z'],
    ['PT0S', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z'],
  ])('%s after %s is %s', (text, from, to) => {
    const duration = durationOf(text);
    expect(duration && new Date(later(Date.parse(from), duration)).toISOString()).toBe(to);
  });

  test.each(['', 'P', 'PT', '30D', 'P1.5D', 'P-1D', 'P1D ', 'p1d', 'P1DT'])('is not %j', (text) => {
    expect(durationOf(text)).toBeUndefined();
  });

  test('ago lies at or before the time that the first look goes back to', () => {
    fc.assert(
      fc.property(fc.nat(40), fc.nat(1_000), fc.nat(20_000), (months, days, back) => {
        const duration = { months, milliseconds: days * day };
        const dated = now - back * day;
        if (later(dated, duration) <= now) expect(dated).toBeLessThanOrEqual(surelyBefore(now, duration));
      }),
    );
    const [february, march] = [Date.UTC(2026, 1, 1), Date.UTC(2026, 2, 1)];
    expect(february).toBeLessThanOrEqual(surelyBefore(march, { months: 1, milliseconds: 0 }));
  });
});

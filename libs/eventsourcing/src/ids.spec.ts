import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { derivedUuid, derivedUuidv7, leastUuidv7, rankedUuidv7, uuidv7 } from './ids.js';

const form = (version: number) =>
  new RegExp(`^[0-9a-f]{8}-[0-9a-f]{4}-${version}[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`);
const times = fc.integer({ min: 0, max: 2 ** 47 });

it('a UUID of version 7 carries its time, and is never the same twice', () => {
  fc.assert(
    fc.property(times, (time) => {
      const id = uuidv7(time);
      expect(id).toMatch(form(7));
      expect(Number.parseInt(id.slice(0, 13).replace('-', ''), 16)).toBe(time);
    }),
  );
  expect(new Set(Array.from({ length: 10_000 }, () => uuidv7(1))).size).toBe(10_000);
});

it('derived ids are the same for the same words, and others for others, however they are cut', () => {
  expect(derivedUuid('a', 'b')).toMatch(form(8));
  expect(derivedUuidv7(1, 'a')).toMatch(form(7));
  expect(derivedUuid('a', 'b')).toBe(derivedUuid('a', 'b'));
  expect(derivedUuid('a', 'b')).not.toBe(derivedUuid('ab'));
  expect(derivedUuidv7(1, 'a')).not.toBe(derivedUuidv7(2, 'a'));
});

it('ranked ids of one time are in the order of their rank, and others for other words', () => {
  const ranks = fc.integer({ min: 0, max: 2 ** 32 - 1 });
  fc.assert(
    fc.property(times, ranks, ranks, (time, one, other) => {
      const id = rankedUuidv7(time, one, 'a');
      expect(id).toMatch(form(7));
      expect(Number.parseInt(id.slice(0, 13).replace('-', ''), 16)).toBe(time);
      expect(id).toBe(rankedUuidv7(time, one, 'a'));
      expect(id).not.toBe(rankedUuidv7(time, one, 'b'));
      if (one !== other) expect(id < rankedUuidv7(time, other, 'b')).toBe(one < other);
    }),
  );
});

it('the least id of a time parts the ids of the times before it from all others', () => {
  fc.assert(
    fc.property(times, times, (time, other) => {
      expect(uuidv7(other) < leastUuidv7(time)).toBe(other < time);
      expect(uuidv7(other) < leastUuidv7(time - 0.5)).toBe(other < time);
    }),
  );
});

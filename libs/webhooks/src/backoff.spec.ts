import { expect, test } from '@jest/globals';
import { backoff, mostAttempts } from './backoff.js';

const schedule = (random: number) =>
  Array.from({ length: mostAttempts }, (_, n) => backoff(n + 1, () => random));

test('waits five times longer after each attempt, and ends after the eighth', () => {
  const seconds = schedule(0.5).map((ms) => (ms === undefined ? undefined : ms / 1_000));
  expect(seconds).toEqual([5, 25, 125, 625, 3_125, 15_625, 78_125, undefined]);
});

test.each([
  [0, 21.7],
  [0.5, 27.1],
  [1, 32.6],
])('spreads the attempts over about a day, jitter %p: %p hours', (random, hours) => {
  const sum = schedule(random).reduce<number>((total, ms = 0) => total + ms, 0);
  expect(sum / 3_600_000).toBeCloseTo(hours, 1);
});

import { expect, it } from '@jest/globals';
import type { Database } from './database.js';
import { ReadModelClock } from './read-model-clock.js';

/** A database that says where the projection stands; nobody tells of moves there. */
const standing = (position: bigint): Database =>
  ({ url: 'postgres://127.0.0.1:9/nowhere', prepared: () => Promise.resolve([{ position }]) }) as never;

it('a projection is where it has been told to be', async () => {
  const clock = new ReadModelClock(standing(3n));
  clock.moved('runs', 5n);
  expect(await clock.reached('runs', 5n, 0)).toBe(true);
  expect(await clock.reached('runs', 6n, 0)).toBe(false);
  await clock.close();
});

it('time in which this process stood still is none that was waited', async () => {
  const clock = new ReadModelClock(standing(3n));
  const reached = clock.reached('runs', 5n, 1_000);
  setTimeout(() => {
    clock.moved('runs', 5n);
  }, 200);
  // Nothing else runs in these two seconds; then timers come first, one after the other.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_000);
  expect(await reached).toBe(true);
  await clock.close();
});

it('once the database was lost, only what it says counts', async () => {
  const clock = new ReadModelClock(standing(3n));
  clock.moved('runs', 5n);
  clock.forget();
  expect(await clock.reached('runs', 5n, 1)).toBe(false);
  expect(await clock.reached('runs', 3n, 60_000)).toBe(true);
  await clock.close();
});

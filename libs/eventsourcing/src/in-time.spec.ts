import { once } from 'node:events';
import { expect, test } from '@jest/globals';
import { StoreUnavailable } from './event-store.js';
import { inTime, type TimeLimit, timeLimit } from './in-time.js';

test('an answer that has come while this process stood still is taken', async () => {
  const promised = new Promise((resolve) => {
    setImmediate(resolve, 'the answer');
  });
  const waited = inTime(promised, 'no answer', 5_000);
  // Nothing else runs in these six seconds; then timers come first.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 6_000);
  expect(await waited).toBe('the answer');
});

test('what does not come is told of as an event store that is not there', async () => {
  const never = new Promise(() => undefined);
  await expect(inTime(never, 'it hangs', 20)).rejects.toEqual(new StoreUnavailable('it hangs'));
});

test('a limit is over with its time, or with the other signal, and not once it is let go of', async () => {
  const other = new AbortController();
  const [late, early, released] = [5, 60_000, 5].map((ms) => timeLimit(ms, other.signal)) as [
    TimeLimit,
    TimeLimit,
    TimeLimit,
  ];
  released.release();
  await once(late.signal, 'abort');
  expect([early.signal.aborted, released.signal.aborted]).toEqual([false, false]);
  other.abort();
  expect([early.signal.aborted, released.signal.aborted]).toEqual([true, false]);
  expect(timeLimit(60_000, other.signal).signal.aborted).toBe(true);
});

import { expect, test } from '@jest/globals';
import { answered } from './answered.js';

test('an answer that has come while this process stood still is taken', async () => {
  const promised = new Promise((resolve) => {
    setImmediate(resolve, 'the answer');
  });
  const waited = answered(promised);
  // Nothing else runs in these six seconds; then timers come first.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 6_000);
  expect(await waited).toBe('the answer');
}, 15_000);

import { randomBytes } from 'node:crypto';
import { Writable } from 'node:stream';
import { expect, test } from '@jest/globals';
import { seal, type Streams } from '#eventsourcing';
import { ProcessFeeder } from './process-feeder.js';
import type { ProcessKeys } from './process-keys.js';

const key = randomBytes(32);
const keys = { of: () => Promise.resolve(key) } as unknown as ProcessKeys;
/** Three pieces of input, the last of which closes it. */
const streams = {
  async *read() {
    for (let revision = 0; revision < 3; revision++) {
      yield await Promise.resolve({
        revision,
        data: { sealed: seal(key, Buffer.from('x')), closes: revision === 2 },
      });
    }
  },
} as unknown as Streams;

function fed(write: Writable['_write']): { stdin: Writable; failures: unknown[]; over: Promise<void> } {
  // Every piece fills it.
  const stdin = new Writable({ highWaterMark: 1, write });
  const failures: unknown[] = [];
  const over = new Promise<void>((resolve) => stdin.on('close', () => setImmediate(resolve)));
  new ProcessFeeder(streams, keys, 'p', stdin, (error) => failures.push(error)).wake();
  return { stdin, failures, over };
}

test('a process that reads slowly gets all, and nothing keeps waiting on its input', async () => {
  let written = '';
  const waiting = new Set<number>();
  const { stdin, over } = fed((bytes: Buffer, _encoding, done) => {
    written += bytes.toString();
    waiting.add(stdin.listenerCount('close'));
    setImmediate(done);
  });
  await over;
  expect([written, waiting.size]).toEqual(['xxx', 1]);
});

test('a process that ends without reading is no failure', async () => {
  const { failures, over } = fed((_bytes, _encoding, done) => {
    setImmediate(done, new Error('write EPIPE'));
  });
  await over;
  expect(failures).toEqual([]);
});

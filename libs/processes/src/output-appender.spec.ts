import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  type AppendResult,
  type ExpectedRevision,
  type NewEvent,
  type RecordedEvent,
  StoreUnavailable,
} from '#eventsourcing';
import { MemoryEventStore } from '../../../test/support/memory-event-store.js';
import { OutputAppender } from './output-appender.js';
import { bytesIn, contentOf, sizeOf } from './output-content.js';
import { outputStreamOf, type ProcessOutputWritten } from './process-output.events.js';

const onBehalf = { project: 'default', correlationId: 'c' };

const piecesOf = (store: MemoryEventStore) =>
  store.events.map((event) => (event as RecordedEvent<ProcessOutputWritten>).data);
const outputIn = (store: MemoryEventStore, wanted: string): Buffer =>
  Buffer.concat(piecesOf(store).flatMap((piece) => (piece.stream === wanted ? [bytesIn(piece)] : [])));

test('output of both streams is stored in order, each piece with the place where it stands', async () => {
  const store = new MemoryEventStore();
  const appender = new OutputAppender(store, 'p', onBehalf);
  await appender.append('stdout', Buffer.from('ab'));
  await appender.append('stdout', Buffer.from('c'));
  await appender.append('stderr', Buffer.from('x'));
  await appender.append('stdout', Buffer.from('d'));
  await appender.stored();
  expect(store.events.every(({ stream }) => stream === outputStreamOf('p'))).toBe(true);
  expect(piecesOf(store)).toEqual([
    { stream: 'stdout', stdout: 0, stderr: 0, text: 'abc' },
    { stream: 'stderr', stdout: 3, stderr: 0, text: 'x' },
    { stream: 'stdout', stdout: 3, stderr: 1, text: 'd' },
  ]);
});

test.each([
  ['text', 'x'],
  ['control characters', '\u0001'],
  ['zeros', '\0'],
  ['half characters', 'ä'],
])('much output of %s is stored in pieces that every store takes', async (_, of) => {
  const store = new MemoryEventStore();
  const appender = new OutputAppender(store, 'p', onBehalf);
  const bytes = Buffer.alloc(3_000_001, of);
  await appender.append('stdout', bytes);
  await appender.stored();
  expect(outputIn(store, 'stdout').equals(bytes)).toBe(true);
  for (const { data } of store.events) expect(JSON.stringify(data).length).toBeLessThan(900_000);
});

test('what makes no whole piece goes with what comes while the store is busy, and no character is cut', async () => {
  const store = new MemoryEventStore();
  const appender = new OutputAppender(store, 'p', onBehalf);
  const text = Buffer.from(`x${'äöü€'.repeat(20_000)}`);
  for (let n = 0; n < text.length; n += 64_008) await appender.append('stdout', text.subarray(n, n + 64_008));
  await appender.append('stderr', Buffer.from('x'));
  await appender.stored();
  expect(outputIn(store, 'stdout').equals(text)).toBe(true);
  const stdout = piecesOf(store).filter(({ stream }) => stream === 'stdout');
  expect(stdout.every((piece) => 'text' in piece)).toBe(true);
  expect(stdout.map(sizeOf)).toEqual([92_158, 87_843]);
});

test('text is stored as text, so that who reads the history can read it, and whatever is not comes back as it was', () => {
  expect(contentOf(Buffer.from('\ufeffäé\u001b[1m👍\n'))).toEqual({ text: '\ufeffäé\u001b[1m👍\n' });
  expect(contentOf(Buffer.from('👍').subarray(1))).toEqual({ base64: 'n5GN' });
  expect(contentOf(Buffer.from('a\0'))).toEqual({ base64: 'YQA=' });
  const texts = fc.string({ unit: 'binary' }).map((text) => Buffer.from(text));
  const bytes = fc.uint8Array().map((array) => Buffer.from(array));
  fc.assert(
    fc.property(fc.oneof(texts, bytes), (output) => {
      const content = JSON.parse(JSON.stringify(contentOf(output))) as ReturnType<typeof contentOf>;
      expect(bytesIn(content).equals(output)).toBe(true);
      expect(sizeOf(content)).toBe(output.length);
    }),
  );
});

/** A store that now and then cannot be reached, with what was asked of it stored or not. */
class Moody extends MemoryEventStore {
  private count = 0;

  override async append(
    stream: string,
    expected: ExpectedRevision,
    events: readonly NewEvent[],
  ): Promise<AppendResult> {
    const mood = this.count++ % 11;
    if (mood === 1) throw new StoreUnavailable('not stored');
    const result = await super.append(stream, expected, events);
    if (mood === 6) throw new StoreUnavailable('stored, but not acknowledged');
    return result;
  }
}

test('a store that cannot be reached for a while gets everything once, in order', async () => {
  const store = new Moody();
  const appender = new OutputAppender(store, 'p', onBehalf);
  const bytes = Buffer.from(Array.from({ length: 700_000 }, (_, n) => n % 251));
  for (let n = 0; n < bytes.length; n += 100_000)
    await appender.append('stdout', bytes.subarray(n, n + 100_000));
  await appender.stored();
  expect(outputIn(store, 'stdout').equals(bytes)).toBe(true);
});

test('who writes waits while a commit is on its way and much is gathered', async () => {
  const store = new MemoryEventStore();
  let go: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    go = resolve;
  });
  const append = store.append.bind(store);
  store.append = async (...args) => {
    await held;
    return append(...args);
  };
  const appender = new OutputAppender(store, 'p', onBehalf);
  await appender.append('stdout', Buffer.alloc(1));
  await new Promise(setImmediate);
  let waited = true;
  const second = appender.append('stdout', Buffer.alloc(3 * 1024 * 1024)).then(() => (waited = false));
  await new Promise(setImmediate);
  expect(waited).toBe(true);
  go();
  await second;
  await appender.stored();
  expect(outputIn(store, 'stdout')).toHaveLength(3 * 1024 * 1024 + 1);
});

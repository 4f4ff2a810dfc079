import { expect, test } from '@jest/globals';
import { Streams } from '#eventsourcing';
import { MemoryEventStore } from '../../../test/support/memory-event-store.js';
import { OutputAppender } from './output-appender.js';
import { OutputFeed } from './output-feed.js';

class Counting extends MemoryEventStore {
  reads = 0;

  override readStream(...args: Parameters<MemoryEventStore['readStream']>) {
    this.reads++;
    return super.readStream(...args);
  }
}

const written = async (...pieces: readonly string[]) => {
  const store = new Counting();
  const appender = new OutputAppender(store, 'p', { project: 'default', correlationId: 'c' });
  for (const piece of pieces) {
    await appender.append('stdout', Buffer.from(piece));
    await appender.stored();
  }
  const feed = new OutputFeed(new Streams(store), 'p', 'stdout');
  return { store, feed };
};

const textFrom = async (feed: OutputFeed, from: number, limit?: number): Promise<string> => {
  let text = '';
  for await (const { event } of feed.read(from, 'asc', limit)) {
    text += Buffer.from(event?.base64 ?? '', 'base64').toString();
  }
  return text;
};

test('a place in the middle of a piece is read from there', async () => {
  const { feed } = await written('ab', 'cd', 'ef');
  expect(await textFrom(feed, 0)).toBe('abcdef');
  expect(await textFrom(feed, 3)).toBe('def');
  expect(await textFrom(feed, 5)).toBe('f');
});

test('behind a piece that was told, reading goes on without looking for the place', async () => {
  const { store, feed } = await written('ab', 'cd', 'ef', 'gh');
  const [, second] = store.events.map((event) => feed.placed(event));
  if (second !== undefined) feed.passed(second);
  store.reads = 0;
  expect(await textFrom(feed, 4)).toBe('efgh');
  expect(store.reads).toBe(1);
});

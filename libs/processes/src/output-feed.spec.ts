import { expect, test } from '@jest/globals';
import { type RecordedEvent, Streams } from '#eventsourcing';
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
  const hear = (event: RecordedEvent | undefined): void => {
    if (event === undefined) return;
    const placed = feed.placed(event);
    if (placed !== undefined) feed.hear(placed, event.revision);
  };
  return { store, feed, hear };
};

const textFrom = async (feed: OutputFeed, from: number, limit?: number): Promise<string> => {
  let text = '';
  for await (const { event } of feed.read(from, 'asc', limit)) {
    text += Buffer.from(event?.base64 ?? '', 'base64').toString();
  }
  return text;
};

test('what was heard is not fetched, and what is behind it is', async () => {
  const { store, feed, hear } = await written('ab', 'cd', 'ef', 'gh');
  for (const event of store.events.slice(1, 3)) hear(event);
  store.reads = 0;
  expect(await textFrom(feed, 2, 2)).toBe('cdef');
  expect(store.reads).toBe(0);
  expect(await textFrom(feed, 2)).toBe('cdefgh');
});

test('a place in the middle of a piece, or before what was heard, is read from the store', async () => {
  const { store, feed, hear } = await written('ab', 'cd', 'ef');
  hear(store.events[2]);
  expect(await textFrom(feed, 0)).toBe('abcdef');
  expect(await textFrom(feed, 5)).toBe('f');
});

test('behind a gap what was heard before it is forgotten', async () => {
  const { store, feed, hear } = await written('ab', 'cd', 'ef');
  hear(store.events[0]);
  hear(store.events[2]);
  expect(await textFrom(feed, 0)).toBe('abcdef');
});

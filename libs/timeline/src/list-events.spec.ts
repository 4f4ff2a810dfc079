import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { RequestContext } from '#http';
import { listEvents } from './list-events.js';
import { type EventFeed, placed, type PlacedEvent } from './placed.js';
import type { ShownEvent } from './timeline-event.js';

const ctx = { request: { query: {}, url: '/v1/events' } } as unknown as RequestContext;
const megabyte = 'x'.repeat(1024 * 1024);

const shown = (type: string, text = ''): ShownEvent => ({
  ...{ id: '', type, created_at: '2026-01-01T00:00:00.000Z', actor: 'a' },
  data: { text },
});

/** A feed of so many places. */
const feedOf = (length: number, at: (place: number) => ShownEvent | undefined): EventFeed => ({
  async *read(from: number, order: 'asc' | 'desc'): AsyncGenerator<PlacedEvent> {
    await Promise.resolve();
    const step = order === 'asc' ? 1 : -1;
    const start = order === 'asc' ? from + 1 : Math.min(from - 1, length);
    for (let place = start; place >= 1 && place <= length; place += step) yield placed(place, at(place));
  },
});

/** How many events each page has, until there is no more. */
async function pagesOf(feed: EventFeed, query: object): Promise<number[]> {
  const pages: number[] = [];
  for (let next = {}; ;) {
    const { data, next_cursor } = await listEvents(feed, { ...query, ...next }, ctx);
    pages.push(data.length);
    if (next_cursor === null) return pages;
    next = { cursor: next_cursor };
  }
}

test.each(['asc', 'desc'])(
  'a page in the order %s ends when it has looked at 100,000 events',
  async (order) => {
    const feed = feedOf(200_001, (place) => (place % 50_000 === 0 ? shown('run.created') : undefined));
    expect(await pagesOf(feed, { order, types: ['run.created'] })).toEqual([2, 2, 0]);
    expect(
      await pagesOf(
        feedOf(100_000, () => undefined),
        { order },
      ),
    ).toEqual([0]);
  },
);

test('a page ends when it shows more than 32 MiB', async () => {
  expect(
    await pagesOf(
      feedOf(70, () => shown('x', megabyte)),
      {},
    ),
  ).toEqual([32, 32, 6]);
});

test('pages of any limit hold what one page holds, behind the number that is asked for', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.boolean(), { maxLength: 30 }),
      fc.constantFrom('asc', 'desc'),
      fc.integer({ min: 1, max: 8 }),
      fc.nat(32),
      async (told, order, limit, starting_after) => {
        const feed = feedOf(told.length, (place) => (told[place - 1] === true ? shown('x') : undefined));
        const count = told.slice(starting_after).filter(Boolean).length;
        const pages = await pagesOf(feed, { order, limit, starting_after });
        expect(pages.slice(0, -1).every((size) => size === limit)).toBe(true);
        expect(pages.length).toBe(Math.max(1, Math.ceil(count / limit)));
        expect(pages.reduce((sum, size) => sum + size, 0)).toBe(count);
      },
    ),
  );
});

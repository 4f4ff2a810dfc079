import type { RequestContext } from '#http';
import { cursorAfter, keysOf } from '#http';
import { LargePage, pageBytes } from '#read-models';
import { type EventsQuery, filterOf } from './event-filter.js';
import type { EventFeed } from './placed.js';
import type { ShownEvent } from './timeline-event.js';

export interface ListedEvents {
  readonly data: ShownEvent[];
  readonly next_cursor: string | null;
}

const usualLimit = 1_000;
/** A page ends early when it has looked at so many events. */
const mostLookedAt = 100_000;

/**
 * One page of a feed. @param start where events of a later time than `after` may begin, if that is known
 * @throws ProblemError invalid_cursor, unknown_event_type, validation_failed; StoreUnavailable
 */
export async function listEvents(
  feed: EventFeed,
  query: EventsQuery,
  ctx: RequestContext,
  start = 0,
): Promise<ListedEvents> {
  const wanted = filterOf(query);
  const { order = 'asc', limit = usualLimit, cursor, starting_after = 0 } = query;
  const seen = cursor === undefined ? undefined : Number(keysOf(ctx, cursor, ['integer'])[0]);
  const lowest = Math.max(starting_after, start);
  const from = order === 'asc' ? Math.max(lowest, seen ?? 0) : (seen ?? Number.MAX_SAFE_INTEGER);
  const data: ShownEvent[] = [];
  let [looked, size] = [0, 0];
  let last = from;
  const page = new LargePage();
  try {
    for await (const { place, event } of feed.read(from, order)) {
      if (order === 'desc' && place <= lowest) break;
      const shown = event !== undefined && wanted(event);
      if ((shown && data.length === limit) || looked === mostLookedAt || size > pageBytes) {
        return { data, next_cursor: cursorAfter(ctx, [last]) };
      }
      looked++;
      last = place;
      if (!shown) continue;
      data.push(event);
      size += JSON.stringify(event.data).length;
      await page.grown(size);
    }
  } finally {
    page.end();
  }
  return { data, next_cursor: null };
}

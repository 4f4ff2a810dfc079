import { Injectable } from '@nestjs/common';
import { EventStore, type RecordedEvent } from '#eventsourcing';
import { keysOf, page, type Page, type RequestContext } from '#http';
import type { HistoryQuery } from './audit.bodies.js';
import type { ChangeResource } from './audit.resource.js';

/** In a cursor: nothing of the stream has been shown yet, or all of it. */
const [unread, done] = [-1, -2];

/** Reads what has happened to one thing, whose events stand in several streams. */
@Injectable()
export class History {
  constructor(private readonly store: EventStore) {}

  /** A page of the changes in these streams, in the order of the store. @throws ProblemError invalid_cursor; StoreUnavailable */
  async list(
    ctx: RequestContext,
    streams: readonly string[],
    { limit, order = 'desc', cursor }: HistoryQuery,
  ): Promise<Page<ChangeResource>> {
    const kinds = streams.map(() => 'integer' as const);
    const places = cursor === undefined ? streams.map(() => unread) : keysOf(ctx, cursor, kinds).map(Number);
    const read = streams.map((stream, n) => this.next(stream, places[n] ?? unread, order, limit + 1));
    const found = (await Promise.all(read)).flat();
    const sign = order === 'asc' ? 1 : -1;
    found.sort((a, b) => Number(a.position - b.position) * sign);
    const shown = found.slice(0, limit);
    const next = streams.map((stream, n) => {
      const last = shown.findLast((event) => event.stream === stream);
      return last === undefined
        ? (places[n] ?? unread)
        : last.revision === 0 && sign < 0
          ? done
          : last.revision + sign;
    });
    return page(ctx, shown.map(changeOf), found.length > limit ? next : undefined);
  }

  private async next(
    stream: string,
    place: number,
    order: 'asc' | 'desc',
    limit: number,
  ): Promise<RecordedEvent[]> {
    if (place === done) return [];
    const events: RecordedEvent[] = [];
    const direction = order === 'asc' ? 'forwards' : 'backwards';
    const options = { direction, limit, ...(place !== unread && { from: place }) } as const;
    for await (const event of this.store.readStream(stream, options)) events.push(event);
    return events;
  }
}

const changeOf = ({
  id,
  type,
  stream,
  revision,
  position,
  metadata,
  data,
}: RecordedEvent): ChangeResource => ({
  at: metadata.at,
  actor: metadata.actor,
  type,
  event_type: type === 'RunEventRecorded' ? String((data as { type?: unknown }).type) : null,
  event_id: id,
  stream,
  revision,
  position: Number(position),
  causation_id: metadata.$causationId,
  correlation_id: metadata.$correlationId,
  reason: reasonIn(data),
});

/** The facts that have a reason call it by one of these names. */
function reasonIn(data: object): string | null {
  const { reason, done_reason } = data as { reason?: unknown; done_reason?: unknown };
  const given = reason ?? done_reason;
  return typeof given === 'string' ? given : null;
}

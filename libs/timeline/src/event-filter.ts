import { IsIn, IsOptional } from 'class-validator';
import { type Fault, IsCommaList, IsFlag, IsRfc3339, IsText, IsWhole, type Order, ProblemError } from '#http';
import { isEventType } from '#runs';
import type { ShownEvent } from './timeline-event.js';

const mostEvents = 10_000;

export class EventsQuery {
  /** Only events behind this number: the one in the feed, of the project the position. */
  @IsOptional()
  @IsWhole(0)
  starting_after?: number;

  /** Only events that were made strictly later. */
  @IsOptional()
  @IsRfc3339()
  after?: string;

  /** Only events of these types. */
  @IsOptional()
  @IsCommaList()
  types?: string[];

  /** No events of these types. */
  @IsOptional()
  @IsCommaList()
  exclude?: string[];

  @IsOptional()
  @IsWhole(1, mostEvents)
  limit?: number;

  @IsOptional()
  @IsText(2_000)
  cursor?: string;

  /** Oldest first by default. */
  @IsOptional()
  @IsIn(['asc', 'desc'], { message: 'order must be asc or desc' })
  order?: Order;
}

export class SessionEventsQuery extends EventsQuery {
  /** Takes the place of whoever is attached to the session, who is told so; of a live answer alone. */
  @IsFlag()
  attach: boolean = false;
}

/** Whether an event is wanted. */
export type EventFilter = (event: ShownEvent) => boolean;

/** @throws ProblemError unknown_event_type, validation_failed */
export function filterOf({ starting_after, after, types, exclude }: EventsQuery): EventFilter {
  if (starting_after !== undefined && after !== undefined) {
    const detail = 'cannot be given together with starting_after';
    throw new ProblemError('validation_failed', `after: ${detail}.`, {
      errors: [{ parameter: 'after', detail }],
    });
  }
  refuseUnknown({ types, exclude });
  const wanted = types && new Set(types);
  const unwanted = exclude && new Set(exclude);
  const since = after === undefined ? undefined : Date.parse(after);
  return ({ type, created_at }) =>
    (wanted === undefined || wanted.has(type)) &&
    unwanted?.has(type) !== true &&
    (since === undefined || Date.parse(created_at) > since);
}

function refuseUnknown(lists: Readonly<Record<string, readonly string[] | undefined>>): void {
  const errors: Fault[] = Object.entries(lists).flatMap(([parameter, list = []]) =>
    list
      .filter((type) => !isEventType(type))
      .map((type) => ({ parameter, detail: `there is no event type ${type}` })),
  );
  const [first] = errors;
  if (first !== undefined) throw new ProblemError('unknown_event_type', `${first.detail}.`, { errors });
}

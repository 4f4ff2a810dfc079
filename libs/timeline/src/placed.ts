import { type Feed, Placed } from '#http';
import type { TimelineEvent } from './timeline-event.js';

/** An event as a feed shows it. */
export interface ShownEvent extends TimelineEvent {
  /** In its run, or in its session where that is what is read; a session's event has none in a project's feed. */
  readonly sequence_number?: number;
  /** Place in the global order; in a project's feed alone. */
  readonly position?: number;
}

/** A feed of a run, a session, or a project. */
export type EventFeed = Feed<ShownEvent>;
export type PlacedEvent = Placed<ShownEvent>;

export const placed = (place: number, event: ShownEvent | undefined, ends = false): PlacedEvent =>
  new Placed(place, event?.type ?? '', event, ends);

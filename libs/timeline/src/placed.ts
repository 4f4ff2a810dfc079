import { type Feed, Placed } from '#http';
import type { ShownEvent } from './timeline-event.js';

/** A feed of a run, a session, or a project. */
export type EventFeed = Feed<ShownEvent>;
export type PlacedEvent = Placed<ShownEvent>;

export const placed = (place: number, event: ShownEvent | undefined, ends = false): PlacedEvent =>
  new Placed(place, event?.type ?? '', event, ends);

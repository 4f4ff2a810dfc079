import type { AsOf } from '#http';
import type { SessionState } from './session.decider.js';
import type { SessionFigures } from './session.figures.js';

/** A place in a session's feed, given as at most one of these; the end of the feed by none. */
export interface PointAsked {
  readonly at_sequence?: number | null;
  /** RFC 3339: the last event that was made by then. */
  readonly at_time?: string | null;
}

/** A place in a session's feed, and where it lies in the store. */
export interface FeedPoint {
  readonly sequence_number: number;
  /** Of the event with this number. */
  readonly position: bigint;
  /**
   * Where begins what is behind it: with the next event of the feed or, without a position, at a time, in
   * milliseconds; undefined at the end of the feed.
   */
  readonly next: { readonly position?: bigint; readonly at: number } | undefined;
}

/** What a session was, asked of the room of the timelines; that room binds it. */
export abstract class SessionPast {
  /** The session at a moment of its feed; undefined when it was not yet there. @throws StoreUnavailable */
  abstract at(id: string, had: AsOf): Promise<{ session: SessionState; figures: SessionFigures } | undefined>;

  /**
   * A place in the feed, which has all that is stored by now.
   * @throws ProblemError validation_failed, naming the field, when there is no such place; projection_lagging
   */
  abstract point(id: string, asked: PointAsked): Promise<FeedPoint>;
}

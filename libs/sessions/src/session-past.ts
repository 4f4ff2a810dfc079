import type { AsOf } from '#http';
import type { SessionState } from './session.decider.js';
import type { SessionFigures } from './session.figures.js';

/** What a session was, asked of the room of the timelines; that room binds it. */
export abstract class SessionPast {
  /** The session at a moment of its feed; undefined when it was not yet there. @throws StoreUnavailable */
  abstract at(id: string, had: AsOf): Promise<{ session: SessionState; figures: SessionFigures } | undefined>;
}

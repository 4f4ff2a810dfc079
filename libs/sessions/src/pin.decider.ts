import type { Decider } from '#eventsourcing';
import type { PinFact } from './session.events.js';

/** The users who have pinned a session. */
export type Pins = ReadonlySet<string>;

export const pinDecider: Decider<Pins, PinFact> = {
  initial: new Set(),
  evolve: (pins, { type, data: { user_id } }) => {
    const others = [...pins].filter((one) => one !== user_id);
    return new Set(type === 'SessionPinned' ? [...others, user_id] : others);
  },
  weigh: (pins) => 100 * pins.size,
};

/** Pins a session for a user, or takes the pin away; what is so already stays. */
export function pin(pins: Pins, session_id: string, user_id: string, pinned: boolean): PinFact[] {
  if (pins.has(user_id) === pinned) return [];
  return [{ type: pinned ? 'SessionPinned' : 'SessionUnpinned', data: { session_id, user_id } }];
}

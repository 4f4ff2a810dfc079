import type { Decider } from '#eventsourcing';
import type { ReservationFact } from './session.events.js';

/** Who has a value that only one session may have. */
export interface ReservationState {
  readonly holder: string | null;
  readonly user_id: string | null;
  /** RFC 3339 time of the newest reservation. */
  readonly since: string | null;
}

export const reservationDecider: Decider<ReservationState, ReservationFact> = {
  initial: { holder: null, user_id: null, since: null },
  evolve: (_state, fact, { metadata }) =>
    fact.type === 'ValueReserved'
      ? { holder: fact.data.holder, user_id: fact.data.user_id, since: metadata.at }
      : { holder: null, user_id: null, since: null },
};

/** Who asks for which value. */
export interface Claimant {
  readonly value: string;
  readonly holder: string;
  readonly user_id: string;
}

/** Takes a free value; one that is taken stays with its holder. */
export function reserve(state: ReservationState, claimant: Claimant): ReservationFact[] {
  return state.holder === null ? move(state, claimant) : [];
}

/** Takes a value from whoever has it. */
export function move(state: ReservationState, claimant: Claimant): ReservationFact[] {
  if (state.holder === claimant.holder) return [];
  const previous = state.holder === null ? {} : { previous: state.holder };
  return [{ type: 'ValueReserved', data: { ...claimant, ...previous } }];
}

/** Gives a value back; another one's stays with its holder. */
export function release(state: ReservationState, holder: string): ReservationFact[] {
  return state.holder === holder ? [{ type: 'ValueReleased', data: { holder } }] : [];
}

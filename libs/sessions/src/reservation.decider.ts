import { type Decider, RuleViolation } from '#eventsourcing';
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

/**
 * Takes a value from whoever has it and may lose it.
 * @param mayChange whether the caller may change what belongs to a user
 * @throws RuleViolation alias_taken
 */
export function take(
  state: ReservationState,
  claimant: Claimant,
  mayChange: (user_id: string) => boolean,
): ReservationFact[] {
  if (state.holder !== claimant.holder) expectMayTake(state, claimant.value, mayChange);
  return move(state, claimant);
}

/** @throws RuleViolation alias_taken when a session has the alias that the caller may not change */
export function expectMayTake(
  { user_id }: ReservationState,
  alias: string,
  mayChange: (user_id: string) => boolean,
): void {
  if (user_id === null || mayChange(user_id)) return;
  throw new RuleViolation('alias_taken', `${alias} names another user's session`);
}

/** Gives a value back; another one's stays with its holder. */
export function release(state: ReservationState, holder: string): ReservationFact[] {
  return state.holder === holder ? [{ type: 'ValueReleased', data: { holder } }] : [];
}

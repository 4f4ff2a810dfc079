import type { Decider } from '#eventsourcing';
import { RuleViolation } from '#eventsourcing';
import type { ProcessInputGiven } from './process-input.events.js';

export interface InputState {
  readonly closed: boolean;
}

export const processInputDecider: Decider<InputState, ProcessInputGiven> = {
  initial: { closed: false },
  evolve: (state, { data }) => ({ closed: state.closed || data.closes }),
};

/**
 * Adds pieces behind the last one. @param closes whether nothing follows
 * @throws RuleViolation stdin_closed, unless there is nothing but another close
 */
export function giveInput(
  state: InputState,
  pieces: readonly string[],
  closes: boolean,
): ProcessInputGiven[] {
  if (state.closed) {
    if (pieces.length === 0) return [];
    throw new RuleViolation('stdin_closed', 'the standard input of the process is closed');
  }
  const given = pieces.map((sealed, n) => ({ sealed, closes: closes && n === pieces.length - 1 }));
  const all = given.length === 0 && closes ? [{ closes }] : given;
  return all.map((data) => ({ type: 'ProcessInputGiven', data }));
}

import type { Fact, RecordedEvent } from './event.js';

/** The part of the envelope that a fold may use. */
export type Envelope = Pick<RecordedEvent, 'id' | 'stream' | 'revision' | 'metadata'>;

/** How the state of a fold is kept as JSON. */
export interface SnapshotForm<State> {
  /** Another one whenever the fold makes another state of the same events. */
  readonly version: number;
  /** So many events are at least between two that are kept. */
  readonly every: number;
  readonly toJson: (state: State) => unknown;
  readonly fromJson: (json: unknown) => State;
}

/**
 * The fold of one kind of stream. Decisions are plain functions from the state to new facts;
 * nothing to do is `[]` (equinox-js, `guest-stay.ts`). All of it is pure: time and ids come in.
 */
export interface Decider<State, F extends Fact> {
  readonly initial: State;
  readonly evolve: (state: State, fact: F, envelope: Envelope) => State;
  /** Whether the state after a fact follows from it alone, so that none before it need be read (equinox, `isOrigin`). */
  readonly isOrigin?: (fact: F) => boolean;
  /** Of streams that grow long and have no such fact: their states are kept from time to time. */
  readonly snapshot?: SnapshotForm<State>;
  /** About how many bytes the state holds in memory; by default it is taken for small. */
  readonly weigh?: (state: State) => number;
}

/** A broken rule. The code is stable and stands in docs/problems.md; the domain knows no HTTP. */
export class RuleViolation extends Error {
  override readonly name = 'RuleViolation';
  constructor(
    readonly code: string,
    readonly detail: string,
    /**
     * Members that the answer carries beside the detail, such as `expected_seq`; `pointer` names the field of
     * the request at fault, where one is.
     */
    readonly extra: Readonly<Record<string, string | number>> = {},
  ) {
    super(`${code}: ${detail}`);
  }
}

/** What a body names at `pointer`: not to be found is a fault of the body there. @throws RuleViolation unknown_reference */
export async function referenced<T>(found: Promise<T>, pointer: string): Promise<T> {
  try {
    return await found;
  } catch (error) {
    if (!(error instanceof RuleViolation)) throw error;
    throw new RuleViolation('unknown_reference', error.detail, { pointer });
  }
}

/** Folds recorded events of one stream, oldest first. */
export function fold<State, F extends Fact>(
  decider: Decider<State, F>,
  events: Iterable<RecordedEvent>,
): State {
  let state = decider.initial;
  for (const event of events) state = decider.evolve(state, event as Fact as F, event);
  return state;
}

import type { Decider } from '#eventsourcing';
import { RuleViolation } from '#eventsourcing';
import type { HoldSubject, LegalHoldFact, LegalHoldPlaced, LegalHoldReleased } from './legal-hold.events.js';

/** A hold as its stream tells it, in the words of the API. */
export interface LegalHold {
  readonly id: string;
  readonly project_id: string;
  readonly subject: HoldSubject;
  readonly reason: string;
  readonly placed_at: string;
  /** Principal id. */
  readonly placed_by: string;
  readonly released_at: string | null;
  readonly released_by: string | null;
  readonly release_reason: string | null;
}

/** The holds of a project that stand, by id. */
export type LegalHolds = ReadonlyMap<string, LegalHold>;

export const legalHoldDecider: Decider<LegalHolds, LegalHoldFact> = {
  initial: new Map(),
  evolve: (holds, fact, { metadata: { at, actor } }) => {
    const after = new Map(holds);
    if (fact.type === 'LegalHoldPlaced') after.set(fact.data.hold_id, placed(fact.data, at, actor));
    else after.delete(fact.data.hold_id);
    return after;
  },
  weigh: (holds) => holds.size * 800,
};

/** A hold that was just placed. */
export const placed = (
  { hold_id, project_id, subject, reason }: LegalHoldPlaced['data'],
  at: string,
  actor: string,
): LegalHold => ({
  id: hold_id,
  project_id,
  subject,
  reason,
  placed_at: at,
  placed_by: actor,
  released_at: null,
  released_by: null,
  release_reason: null,
});

/** Places a hold, once. */
export const placeHold = (holds: LegalHolds, hold: LegalHoldPlaced['data']): LegalHoldPlaced[] =>
  holds.has(hold.hold_id) ? [] : [{ type: 'LegalHoldPlaced', data: hold }];

/** How often a hold has changed: it is placed, then released. */
export const holdRevision = ({ released_at }: LegalHold): number => (released_at === null ? 1 : 2);

/** Releases a hold that stands. @throws RuleViolation not_found, revision_mismatch */
export function releaseHold(
  holds: LegalHolds,
  id: string,
  reason?: string,
  expected?: number,
): LegalHoldReleased[] {
  const hold = holds.get(id);
  if (hold === undefined) throw new RuleViolation('not_found', `no legal hold ${id} stands`);
  const revision = holdRevision(hold);
  if (expected !== undefined && expected !== revision) {
    throw new RuleViolation('revision_mismatch', `the hold is at revision ${revision}, not ${expected}`);
  }
  return [{ type: 'LegalHoldReleased', data: { hold_id: id, ...(reason !== undefined && { reason }) } }];
}

/** Whom content belongs to. */
export interface HeldBy {
  readonly run_ids: readonly string[];
  readonly session_id: string | null;
  readonly user_ids: readonly string[];
}

/** The holds that stand in the way of removing content. */
export const holdsOn = (holds: LegalHolds, { run_ids, session_id, user_ids }: HeldBy): LegalHold[] =>
  [...holds.values()].filter(
    ({ subject }) =>
      (subject.run_id !== undefined && run_ids.includes(subject.run_id)) ||
      (subject.session_id !== undefined && subject.session_id === session_id) ||
      (subject.user_id !== undefined && user_ids.includes(subject.user_id)),
  );

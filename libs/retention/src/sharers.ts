import { holdsOn, type LegalHolds } from './legal-hold.decider.js';

/** A session that shows content of another: a fork that shares it. */
export interface Sharer {
  readonly session_id: string;
  readonly user_id: string | null;
  /** Whether it was not deleted. */
  readonly live: boolean;
}

/** Whether content must stay for others: for those that live, or that a hold keeps as they were. */
export const isShared = (sharers: readonly Sharer[], holds: LegalHolds): boolean =>
  sharers.some(
    ({ live, session_id, user_id }) =>
      live ||
      holdsOn(holds, { run_ids: [], session_id, user_ids: user_id === null ? [] : [user_id] }).length > 0,
  );

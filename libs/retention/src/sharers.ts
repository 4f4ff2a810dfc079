import { holdsOn, type LegalHolds } from './legal-hold.decider.js';
import type { Belonging } from './retained-content.js';

/** A session that shows content of another: a fork that shares it. */
export interface Sharer {
  readonly session_id: string;
  readonly user_id: string | null;
  /** Whether it was not deleted. */
  readonly live: boolean;
}

/** Whether content must stay for others: for those that live, or that a hold keeps as they were. */
export const isShared = (sharers: readonly Sharer[], holds: LegalHolds): boolean =>
  sharers.some((sharer) => sharer.live || isHeld(sharer, holds));

/** Whether a hold stands on content, or on others that show it. */
export const isHeldFor = ({ sharers = [], ...owners }: Belonging, holds: LegalHolds): boolean =>
  holdsOn(holds, owners).length > 0 || sharers.some((sharer) => isHeld(sharer, holds));

const isHeld = ({ session_id, user_id }: Sharer, holds: LegalHolds): boolean =>
  holdsOn(holds, { run_ids: [], session_id, user_ids: user_id === null ? [] : [user_id] }).length > 0;

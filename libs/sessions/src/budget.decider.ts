import { RuleViolation } from '#eventsourcing';
import type { SessionState } from './session.decider.js';
import type { Budget, BudgetLimit, BudgetUse, SessionFact } from './session.events.js';

/** A budget, its limits in one order; null when neither is one. */
export const limits = ({ max_tokens, max_cost_usd }: Budget): Budget | null =>
  max_tokens === null && max_cost_usd === null ? null : { max_tokens, max_cost_usd };

/**
 * The limit that is reached; undefined when there is more to use.
 * @param known the one that the session is paused by, which stays the reason as long as it is reached
 */
export function reached(
  budget: Budget | null,
  { used_tokens, used_cost_usd }: BudgetUse,
  known: BudgetLimit | null = null,
): BudgetLimit | undefined {
  const used = { max_tokens: used_tokens, max_cost_usd: used_cost_usd };
  const all = (['max_tokens', 'max_cost_usd'] as const).filter((limit) => {
    const most = budget?.[limit] ?? null;
    return most !== null && used[limit] >= most;
  });
  return all.find((limit) => limit === known) ?? all[0];
}

/**
 * Pauses a session whose budget is used up, and resumes one whose budget is not. One that was paused by a limit
 * which was raised, and has reached the other, is told so.
 * @param known the newest fact of the budget that whoever counted the use knew. When there is a newer one by
 *   now, the use may count too much or too little: it is left to whoever reacts to that one.
 */
export function weighBudget(session: SessionState, used: BudgetUse, known: number): SessionFact[] {
  if (session.deleted_at !== null || session.budget_revision !== known) return [];
  const { budget, paused_by } = session;
  const reason = reached(budget, used, paused_by);
  if (budget !== null && reason !== undefined) {
    return reason === paused_by
      ? []
      : [{ type: 'SessionPaused', data: { reason, budget: { ...budget, ...used } } }];
  }
  return resume(session, 'budget', used);
}

/** Lets a session go on that is paused. @param reason of the fact */
export function resume(
  { budget, paused_by }: SessionState,
  reason: 'requested' | 'budget',
  used: BudgetUse,
): SessionFact[] {
  if (paused_by === null) return [];
  return [{ type: 'SessionResumed', data: { reason, budget: budget && { ...budget, ...used } } }];
}

/** @throws RuleViolation session_paused with `reason` */
export function expectNotPaused({ paused_by }: SessionState): void {
  if (paused_by === null) return;
  throw new RuleViolation('session_paused', `the session has reached ${paused_by} of its budget`, {
    reason: paused_by,
  });
}

import { RuleViolation } from '#eventsourcing';
import type { SessionState } from './session.decider.js';
import type { Budget, BudgetLimit, BudgetUse, SessionFact } from './session.events.js';

/** A budget, its limits in one order; null when neither is one. */
export const limits = ({ max_tokens, max_cost_usd }: Budget): Budget | null =>
  max_tokens === null && max_cost_usd === null ? null : { max_tokens, max_cost_usd };

/** The limit that is reached; undefined when there is more to use. */
export function reached(
  budget: Budget | null,
  { used_tokens, used_cost_usd }: BudgetUse,
): BudgetLimit | undefined {
  if (budget === null) return undefined;
  if (budget.max_tokens !== null && used_tokens >= budget.max_tokens) return 'max_tokens';
  if (budget.max_cost_usd !== null && used_cost_usd >= budget.max_cost_usd) return 'max_cost_usd';
  return undefined;
}

/**
 * Pauses a session whose budget is used up, and resumes one whose budget is not.
 * @param known the newest fact of the budget that whoever counted the use knew. When there is a newer one by
 *   now, the use may count too much or too little: it is left to whoever reacts to that one.
 */
export function weighBudget(session: SessionState, used: BudgetUse, known: number): SessionFact[] {
  if (session.deleted_at !== null || session.budget_revision !== known) return [];
  const { budget, paused_by } = session;
  const reason = reached(budget, used);
  if (budget !== null && reason !== undefined) {
    return paused_by === null
      ? [{ type: 'SessionPaused', data: { reason, budget: { ...budget, ...used } } }]
      : [];
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

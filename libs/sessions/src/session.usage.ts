import { reportedUsage, summedUsage, type Usage } from '#eventsourcing';
import type { RunEventRecorded, RunFact, RunUsageRecorded } from '#runs';
import type { BudgetUse } from './session.events.js';

/** What counts against the budget: not less than nothing, though usage may be corrected to less than was forgiven. */
export const usedOf = ({ usage, forgiven }: { usage: Usage; forgiven: Usage }): BudgetUse => {
  const counts = summedUsage(usage, {}, forgiven);
  return {
    used_tokens: Math.max(0, counts.input_tokens + counts.output_tokens),
    used_cost_usd: Math.max(0, counts.cost_usd),
  };
};

/** Whether an event of a run changes what its session has used. */
export const changesUsage = (fact: RunFact): fact is RunUsageRecorded | RunEventRecorded =>
  fact.type === 'RunUsageRecorded' ||
  (fact.type === 'RunEventRecorded' && reportedUsage(fact.data.type, fact.data.data) !== undefined);

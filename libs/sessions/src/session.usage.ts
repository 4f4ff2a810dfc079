import type { RunEventRecorded, RunFact, RunUsage, RunUsageRecorded } from '#runs';
import type { BudgetUse } from './session.events.js';

// Runs add up the same. They build on sessions, which take no more than types from them, or there would be a circle.
export const noUsage: RunUsage = {
  input_tokens: 0,
  output_tokens: 0,
  cache_read_tokens: 0,
  cache_creation_tokens: 0,
  cost_usd: 0,
};

/** Sums of dollars must not show binary fractions: kept to a billionth. */
const rounded = (n: number): number => (Number.isInteger(n) ? n : Math.round(n * 1e9) / 1e9);

/** What counts against the budget: not less than nothing, though usage may be corrected to less than was forgiven. */
export const usedOf = ({ usage, forgiven }: { usage: RunUsage; forgiven: RunUsage }): BudgetUse => {
  const counts = summed(usage, {}, forgiven);
  return {
    used_tokens: Math.max(0, counts.input_tokens + counts.output_tokens),
    used_cost_usd: Math.max(0, counts.cost_usd),
  };
};

/** Whether an event of a run changes what its session has used. */
export const changesUsage = (fact: RunFact): fact is RunUsageRecorded | RunEventRecorded =>
  fact.type === 'RunUsageRecorded' ||
  (fact.type === 'RunEventRecorded' && toldUsage(fact.data) !== undefined);

/** What an event of a run's timeline says that the run has used. */
export function toldUsage({ type, data }: RunEventRecorded['data']): Partial<RunUsage> | undefined {
  if (type !== 'message.output.completed' && type !== 'completion') return undefined;
  return (data['usage'] as Partial<RunUsage> | null | undefined) ?? undefined;
}

/** Adds usage to a sum, and takes away what it stands for. */
export function summed(sum: RunUsage, more: Partial<RunUsage>, less: Partial<RunUsage> = {}): RunUsage {
  const keys = Object.keys(noUsage) as (keyof RunUsage)[];
  return Object.fromEntries(
    keys.map((key) => [key, rounded(sum[key] + (more[key] ?? 0) - (less[key] ?? 0))]),
  ) as unknown as RunUsage;
}

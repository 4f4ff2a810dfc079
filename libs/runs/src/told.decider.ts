import type { JsonObject } from '#eventsourcing';
import type { RunState } from './run.decider.js';
import type { RunEventRecorded, RunUsage } from './run.events.js';

/** What an event of the timeline changes in what is shown of its run: the very same run when nothing does. */
export function told(run: RunState, { data: { type, data } }: RunEventRecorded): RunState {
  const usage = usageOf(data, type);
  const answers = type === 'message.output.completed';
  if (!answers && usage === undefined) return run;
  const { usage: _usage, ...output } = data;
  return {
    ...run,
    ...(answers && { output }),
    ...(usage !== undefined && { usage: added(run.usage, usage) }),
  };
}

/** The tokens and dollars that an event reports, to be added to those before; undefined when it reports none. */
export function usageOf(data: JsonObject, type: string): Partial<RunUsage> | undefined {
  if (type !== 'message.output.completed' && type !== 'completion') return undefined;
  return (data['usage'] as Partial<RunUsage> | null | undefined) ?? undefined;
}

const noUsage: RunUsage = {
  input_tokens: 0,
  output_tokens: 0,
  cache_read_tokens: 0,
  cache_creation_tokens: 0,
  cost_usd: 0,
};

/** Sums of dollars must not show binary fractions: kept to a billionth. */
const rounded = (n: number): number => (Number.isInteger(n) ? n : Math.round(n * 1e9) / 1e9);

/** A sum of usages. */
export function added(sum: RunUsage | null, usage: Partial<RunUsage>): RunUsage {
  const keys = Object.keys(noUsage) as (keyof RunUsage)[];
  return Object.fromEntries(
    keys.map((key) => [key, rounded((sum ?? noUsage)[key] + (usage[key] ?? 0))]),
  ) as unknown as RunUsage;
}

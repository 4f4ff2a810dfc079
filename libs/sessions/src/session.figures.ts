import type { RunFact, RunStatus, RunUsage } from '#runs';

/** What a session's row knows from its runs. */
export interface SessionFigures {
  readonly run_counts: Record<RunStatus, number>;
  readonly usage: RunUsage;
  readonly started_at: string | null;
  readonly finished_at: string | null;
}

export const noFigures: SessionFigures = {
  run_counts: { pending: 0, running: 0, completed: 0, failed: 0, cancelled: 0 },
  usage: { input_tokens: 0, output_tokens: 0, cache_read_tokens: 0, cache_creation_tokens: 0, cost_usd: 0 },
  started_at: null,
  finished_at: null,
};

export type SessionStatus = 'started' | 'active' | 'idle' | 'waiting_for_tool_results' | 'paused';

/** Derived from the session's runs; there is no terminal state. */
export const statusOf = ({ run_counts, started_at }: SessionFigures): SessionStatus => {
  if (run_counts.running > 0) return 'active';
  return started_at === null ? 'started' : 'idle';
};

const outcome = {
  RunStarted: 'running',
  RunRequeued: 'pending',
  RunCompleted: 'completed',
  RunFailed: 'failed',
  RunCancelled: 'cancelled',
} as const;

/** Sums of dollars must not show binary fractions: kept to a billionth. */
const rounded = (n: number): number => (Number.isInteger(n) ? n : Math.round(n * 1e9) / 1e9);

/** Adds what one event of a run changes in its session's figures. @param at RFC 3339 time of the event */
export function counted(figures: SessionFigures, fact: RunFact, at: string): SessionFigures {
  switch (fact.type) {
    case 'RunCreated':
      return { ...figures, run_counts: bumped(figures, { pending: 1 }) };
    case 'RunStarted':
    case 'RunRequeued':
    case 'RunCompleted':
    case 'RunFailed':
    case 'RunCancelled': {
      const run_counts = bumped(figures, { [fact.data.from]: -1, [outcome[fact.type]]: 1 });
      return {
        ...figures,
        run_counts,
        started_at: figures.started_at ?? (fact.type === 'RunStarted' ? at : null),
        finished_at: run_counts.pending + run_counts.running > 0 ? null : at,
      };
    }
    case 'RunUsageRecorded': {
      const { usage, previous = noFigures.usage } = fact.data;
      const sum = (key: keyof RunUsage): number => rounded(figures.usage[key] + usage[key] - previous[key]);
      const keys = Object.keys(noFigures.usage) as (keyof RunUsage)[];
      return {
        ...figures,
        usage: Object.fromEntries(keys.map((key) => [key, sum(key)])) as unknown as RunUsage,
      };
    }
    default:
      return figures;
  }
}

const bumped = (
  { run_counts }: SessionFigures,
  by: Partial<Record<RunStatus, number>>,
): SessionFigures['run_counts'] => {
  const counts = { ...run_counts };
  for (const [status, n] of Object.entries(by)) counts[status as RunStatus] += n;
  return counts;
};

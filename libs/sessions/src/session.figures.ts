import type { ProcessFact } from '#processes';
import type { RunEventRecorded, RunFact, RunStatus, RunUsage } from '#runs';

/** How many processes of the session's runs there are by what they do. */
export interface ProcessCounts {
  readonly starting: number;
  readonly running: number;
  readonly ended: number;
}

/** What a session's row knows from its runs and its transcript. */
export interface SessionFigures {
  readonly run_counts: Record<RunStatus, number>;
  readonly usage: RunUsage;
  readonly started_at: string | null;
  readonly finished_at: string | null;
  /** First user text and last assistant text, 200 characters each. */
  readonly preview: string | null;
  readonly output_preview: string | null;
  readonly has_transcript: boolean;
  readonly process_counts: ProcessCounts;
}

export const noFigures: SessionFigures = {
  run_counts: { pending: 0, running: 0, completed: 0, failed: 0, cancelled: 0 },
  usage: { input_tokens: 0, output_tokens: 0, cache_read_tokens: 0, cache_creation_tokens: 0, cost_usd: 0 },
  started_at: null,
  finished_at: null,
  preview: null,
  output_preview: null,
  has_transcript: false,
  process_counts: { starting: 0, running: 0, ended: 0 },
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
    case 'RunUsageRecorded':
      return { ...figures, usage: summed(figures.usage, fact.data.usage, fact.data.previous) };
    case 'RunEventRecorded':
      return told(figures, fact.data);
    default:
      return figures;
  }
}

/** Adds what one event of a process changes. */
export function countedProcess(figures: SessionFigures, fact: ProcessFact): SessionFigures {
  const counts: Record<keyof ProcessCounts, number> = { ...figures.process_counts };
  switch (fact.type) {
    case 'ProcessRequested':
      counts.starting++;
      break;
    case 'ProcessStarted':
      counts.starting--;
      counts.running++;
      break;
    case 'ProcessEnded':
      counts[fact.data.from]--;
      counts.ended++;
      break;
    default:
      return figures;
  }
  return { ...figures, process_counts: counts };
}

/** What the timeline of a run tells of its session. */
function told(figures: SessionFigures, { type, data }: RunEventRecorded['data']): SessionFigures {
  switch (type) {
    case 'user':
      return figures.preview === null ? { ...figures, preview: previewOf(data['text']) } : figures;
    case 'message.output.completed':
    case 'completion': {
      const usage = data['usage'] as Partial<RunUsage> | undefined;
      const says = type === 'message.output.completed';
      if (!says && usage === undefined) return figures;
      return {
        ...figures,
        ...(says && { output_preview: previewOf(data['text']) }),
        ...(usage !== undefined && { usage: summed(figures.usage, usage) }),
      };
    }
    default:
      return figures;
  }
}

const previewLength = 200;

const previewOf = (text: unknown): string =>
  Array.from(String(text).slice(0, 2 * previewLength))
    .slice(0, previewLength)
    .join('');

function summed(sum: RunUsage, more: Partial<RunUsage>, less: Partial<RunUsage> = {}): RunUsage {
  const keys = Object.keys(noFigures.usage) as (keyof RunUsage)[];
  return Object.fromEntries(
    keys.map((key) => [key, rounded(sum[key] + (more[key] ?? 0) - (less[key] ?? 0))]),
  ) as unknown as RunUsage;
}

const bumped = (
  { run_counts }: SessionFigures,
  by: Partial<Record<RunStatus, number>>,
): SessionFigures['run_counts'] => {
  const counts = { ...run_counts };
  for (const [status, n] of Object.entries(by)) counts[status as RunStatus] += n;
  return counts;
};

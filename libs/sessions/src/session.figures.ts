import { type Envelope, NotBuiltYet, noUsage, reportedUsage, summedUsage, type Usage } from '#eventsourcing';
import type { RunEventRecorded, RunFact, RunStatus } from '#runs';
import { noProcesses, type ProcessCounts } from './process-counts.js';
import type { SessionState } from './session.decider.js';
import type { SessionFact } from './session.events.js';

/** What a session's row knows from its runs and its transcript. */
export interface SessionFigures {
  readonly run_counts: Record<RunStatus, number>;
  readonly usage: Usage;
  /** The usage when somebody last had the paused session go on: it no longer counts against the budget. */
  readonly forgiven: Usage;
  readonly started_at: string | null;
  /** When the last of its runs ended; null while one waits or runs. */
  readonly finished_at: string | null;
  /** First user text and last assistant text, 200 characters each. */
  readonly preview: string | null;
  readonly output_preview: string | null;
  readonly has_transcript: boolean;
  readonly process_counts: ProcessCounts;
  /** How many tool calls each run waits for, by its stream; runs that wait for none are not in it. */
  readonly open_tool_calls: Readonly<Record<string, number>>;
  /** Ids of the schedules that are enabled and not done. */
  readonly active_schedules: readonly string[];
  /** Stream of the run that was created last. */
  readonly last_run: string | null;
  /** Where the last `context` event stands. */
  readonly context: { readonly stream: string; readonly revision: number } | null;
}

export const noFigures: SessionFigures = {
  run_counts: { pending: 0, running: 0, completed: 0, failed: 0, cancelled: 0 },
  usage: noUsage,
  forgiven: noUsage,
  started_at: null,
  finished_at: null,
  preview: null,
  output_preview: null,
  has_transcript: false,
  process_counts: noProcesses,
  open_tool_calls: {},
  active_schedules: [],
  last_run: null,
  context: null,
};

const names = Object.keys(noFigures);

/**
 * The figures of a stored row. Right after an upgrade the rows of an older version serve, which may not have them all.
 * @throws NotBuiltYet
 */
export function figuresOf({ figures }: { readonly figures: SessionFigures }): SessionFigures {
  if (names.every((name) => name in figures)) return figures;
  throw new NotBuiltYet('the read model is not built yet');
}

export const sessionStatuses = ['started', 'active', 'idle', 'waiting_for_tool_results', 'paused'] as const;
export type SessionStatus = (typeof sessionStatuses)[number];

/** Derived from the session's budget, its runs and what they wait for; there is no terminal state. */
export const statusOf = (
  session: Pick<SessionState, 'paused_by'> | null,
  { run_counts, started_at, open_tool_calls }: SessionFigures,
): SessionStatus => {
  if (session !== null && session.paused_by !== null) return 'paused';
  if (Object.keys(open_tool_calls).length > 0) return 'waiting_for_tool_results';
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

const over: ReadonlySet<string> = new Set(['RunCompleted', 'RunFailed', 'RunCancelled']);

/** Adds what one event of a run changes in its session's figures. */
export function counted(figures: SessionFigures, fact: RunFact, event: Envelope): SessionFigures {
  const { at } = event.metadata;
  switch (fact.type) {
    case 'RunCreated':
      return {
        ...figures,
        run_counts: bumped(figures, { pending: 1 }),
        finished_at: null,
        last_run: event.stream,
      };
    case 'RunStarted':
    case 'RunRequeued':
    case 'RunCompleted':
    case 'RunFailed':
    case 'RunCancelled': {
      const run_counts = bumped(figures, { [fact.data.from]: -1, [outcome[fact.type]]: 1 });
      return {
        ...figures,
        run_counts,
        open_tool_calls: over.has(fact.type)
          ? without(figures.open_tool_calls, event.stream)
          : figures.open_tool_calls,
        started_at: figures.started_at ?? (fact.type === 'RunStarted' ? at : null),
        finished_at: run_counts.pending + run_counts.running > 0 ? null : at,
      };
    }
    case 'RunUsageRecorded':
      return { ...figures, usage: summedUsage(figures.usage, fact.data.usage, fact.data.previous) };
    case 'RunEventRecorded':
      return told(figures, fact.data, event);
    default:
      return figures;
  }
}

/** What one event of the session itself changes; a fork is born with something. */
export function countedAnew(figures: SessionFigures, fact: SessionFact): SessionFigures {
  if (fact.type === 'SessionCreated') return { ...figures, ...fact.data.inherited };
  const forgives = fact.type === 'SessionResumed' && fact.data.reason === 'requested';
  return forgives ? { ...figures, forgiven: figures.usage } : figures;
}

/** What the timeline of a run tells of its session. */
function told(
  figures: SessionFigures,
  { type, data }: RunEventRecorded['data'],
  { stream, revision }: Envelope,
): SessionFigures {
  switch (type) {
    case 'context':
      return { ...figures, context: { stream, revision } };
    case 'interaction.requested':
    case 'interaction.resolved':
      if (data['kind'] !== 'tool_call') return figures;
      return { ...figures, open_tool_calls: waiting(figures, stream, type === 'interaction.requested') };
    case 'user':
      return figures.preview === null ? { ...figures, preview: previewOf(data['text']) } : figures;
    case 'message.output.completed':
    case 'completion': {
      const usage = reportedUsage(type, data);
      const says = type === 'message.output.completed';
      if (!says && usage === undefined) return figures;
      return {
        ...figures,
        ...(says && { output_preview: previewOf(data['text']) }),
        ...(usage !== undefined && { usage: summedUsage(figures.usage, usage) }),
      };
    }
    default:
      return figures;
  }
}

/** The tool calls that are waited for after one more was asked for, or answered. */
function waiting(
  { open_tool_calls }: SessionFigures,
  stream: string,
  asked: boolean,
): SessionFigures['open_tool_calls'] {
  const count = (open_tool_calls[stream] ?? 0) + (asked ? 1 : -1);
  return count > 0 ? { ...open_tool_calls, [stream]: count } : without(open_tool_calls, stream);
}

function without(
  calls: SessionFigures['open_tool_calls'],
  stream: string,
): SessionFigures['open_tool_calls'] {
  if (calls[stream] === undefined) return calls;
  return Object.fromEntries(Object.entries(calls).filter(([one]) => one !== stream));
}

const previewLength = 200;

const previewOf = (text: unknown): string =>
  Array.from(String(text).slice(0, 2 * previewLength))
    .slice(0, previewLength)
    .join('');

const bumped = (
  { run_counts }: SessionFigures,
  by: Partial<Record<RunStatus, number>>,
): SessionFigures['run_counts'] => {
  const counts = { ...run_counts };
  for (const [status, n] of Object.entries(by)) counts[status as RunStatus] += n;
  return counts;
};

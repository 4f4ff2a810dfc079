import type { Decider, Envelope, Fact, Json, JsonObject, Usage } from '#eventsourcing';
import { SeenIds, shallowMerge } from '#eventsourcing';
import type {
  Lease,
  RunCreated,
  RunError,
  RunEventRecorded,
  RunFact,
  RunKind,
  RunStatus,
} from './run.events.js';
import { told } from './told.decider.js';

/** A run as its stream tells it, in the words of the API. */
export interface RunState {
  readonly id: string;
  readonly project_id: string;
  readonly user_id: string;
  readonly task_id: string;
  readonly job_id: string | null;
  readonly session_id: string | null;
  readonly parent_run_id: string | null;
  readonly root_run_id: string;
  readonly kind: RunKind;
  readonly source: string | null;
  readonly status: RunStatus;
  readonly done_reason: string | null;
  readonly status_reason: { actor: string; reason: string | null } | null;
  readonly input: Json;
  readonly output: Json;
  readonly error: RunError | null;
  readonly usage: Usage | null;
  readonly metadata: JsonObject;
  readonly attempt: number;
  readonly max_attempts: number;
  readonly behind: readonly string[];
  /**
   * The lease that the run is under; of a run that its worker has ended, the one that it was under, so that
   * the worker can still deliver what is late. Null once the run was taken away, or when it never had one.
   */
  readonly lease: Lease | null;
  readonly created_at: string;
  readonly started_at: string | null;
  readonly ended_at: string | null;
  readonly updated_at: string;
  /** How often the run has changed, its creation included; what its timeline tells is no change. */
  readonly revision: number;
  /** Absent in a read model. */
  readonly seen?: SeenIds;
}

export type Run = RunState | undefined;

/** What a run can become from each of its statuses. */
export const next: Readonly<Record<RunStatus, readonly RunStatus[]>> = {
  pending: ['running', 'cancelled', 'failed'],
  running: ['completed', 'failed', 'cancelled'],
  completed: [],
  failed: [],
  cancelled: [],
};

export const isOver = (run: RunState): boolean => next[run.status].length === 0;

/** Whether a fact ends its run. */
export const runEnds = ({ type }: Fact): boolean =>
  type === 'RunCompleted' || type === 'RunFailed' || type === 'RunCancelled';

export const runDecider: Decider<Run, RunFact> = {
  initial: undefined,
  evolve: (run, fact, envelope) => {
    const next = foldRun(run, fact, envelope);
    if (next === undefined || fact.type !== 'RunEventRecorded' || fact.data.id === undefined) return next;
    return { ...next, seen: (next.seen ?? SeenIds.none).with(fact.data.id, envelope.revision + 1) };
  },
  snapshot: {
    version: 1,
    every: 500,
    toJson: (run) => (run?.seen === undefined ? run : { ...run, seen: run.seen.newest(run.seen.size) }),
    fromJson: (json) => {
      const { seen, ...run } = json as RunState & { seen?: [string, number][] };
      return seen === undefined ? run : { ...run, seen: SeenIds.of(seen) };
    },
  },
  weigh: (run) =>
    run === undefined
      ? 0
      : 2 * JSON.stringify([run.input, run.output, run.metadata]).length + 100 * (run.seen?.size ?? 0),
};

/** The run as it is shown, after one more fact: the very same when the fact changes nothing of that. */
export function foldRun(run: Run, fact: RunFact, envelope: Envelope): Run {
  if (fact.type === 'RunCreated') return born(fact.data, envelope);
  if (run === undefined) return undefined;
  return fact.type === 'RunEventRecorded' ? told(run, fact) : changed(run, fact, envelope);
}

function born(birth: RunCreated['data'], { metadata: { at } }: Envelope): RunState {
  return {
    id: birth.run_id,
    project_id: birth.project_id,
    user_id: birth.user_id,
    task_id: birth.task_id,
    job_id: birth.job_id ?? null,
    session_id: birth.session_id ?? null,
    parent_run_id: birth.parent_run_id ?? null,
    root_run_id: birth.root_run_id,
    kind: birth.kind,
    source: birth.source ?? null,
    status: 'pending',
    done_reason: null,
    status_reason: null,
    input: birth.input ?? null,
    output: null,
    error: null,
    usage: null,
    metadata: birth.metadata,
    attempt: 0,
    max_attempts: birth.max_attempts,
    behind: birth.behind ?? [],
    lease: null,
    created_at: at,
    started_at: null,
    ended_at: null,
    updated_at: at,
    revision: 1,
  };
}

function changed(
  run: RunState,
  fact: Exclude<RunFact, RunEventRecorded>,
  { metadata: { at, actor } }: Envelope,
): RunState {
  const touched = { ...run, updated_at: at, revision: run.revision + 1 };
  switch (fact.type) {
    case 'RunStarted':
      return {
        ...touched,
        status: 'running',
        started_at: run.started_at ?? at,
        attempt: run.attempt + 1,
        lease: fact.data.lease ?? null,
      };
    case 'RunLeaseExtended':
      return { ...run, lease: run.lease && { ...run.lease, expires_at: fact.data.expires_at } };
    case 'RunRequeued':
      return { ...touched, status: 'pending', lease: null };
    case 'RunCompleted':
      return { ...touched, ...results(fact.data), status: 'completed', ended_at: at };
    case 'RunFailed':
      return {
        ...touched,
        ...results(fact.data),
        status: 'failed',
        ended_at: at,
        lease: fact.data.worker_id === undefined ? run.lease : null,
      };
    case 'RunCancelled':
      return {
        ...touched,
        ...results(fact.data),
        status: 'cancelled',
        ended_at: at,
        lease: null,
        status_reason: { actor, reason: fact.data.reason ?? null },
      };
    case 'RunUpdated':
      return {
        ...touched,
        ...results(fact.data),
        metadata: shallowMerge(run.metadata, fact.data.metadata ?? {}),
      };
    case 'RunUsageRecorded':
      return { ...touched, usage: fact.data.usage };
    case 'RunCreated':
      return run;
  }
}

function results(data: { output?: Json; error?: RunError; done_reason?: string }): Partial<RunState> {
  return {
    ...(data.output !== undefined && { output: data.output }),
    ...(data.error !== undefined && { error: data.error }),
    ...(data.done_reason !== undefined && { done_reason: data.done_reason }),
  };
}

/** What an event of a run says of its session. */
export const ofSession = (run: Pick<RunState, 'session_id'>): { session_id?: string } =>
  run.session_id === null ? {} : { session_id: run.session_id };

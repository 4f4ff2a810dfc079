import type { Fact, Json, JsonObject, Usage } from '#eventsourcing';

export const runStatuses = ['pending', 'running', 'completed', 'failed', 'cancelled'] as const;
export type RunStatus = (typeof runStatuses)[number];
/** Of runs that are not over. */
export const activeStatuses: readonly RunStatus[] = ['pending', 'running'];
export const runKinds = ['workflow', 'job', 'turn'] as const;
export type RunKind = (typeof runKinds)[number];

export interface RunError {
  code: string;
  message: string;
  details?: Json;
}

/** Everything that a run is born with. */
export interface RunBirth {
  readonly run_id: string;
  readonly project_id: string;
  readonly user_id: string;
  readonly task_id: string;
  readonly job_id?: string;
  readonly session_id?: string;
  readonly parent_run_id?: string;
  readonly root_run_id: string;
  readonly kind: RunKind;
  readonly source?: string;
  readonly input?: Json;
  readonly metadata: JsonObject;
  readonly max_attempts: number;
  /** Runs of the session that must be over before this one may start. */
  readonly behind?: string[];
  /** Whoever made the run carries it out, too: it is running from the start. */
  readonly started?: { readonly lease?: Lease };
}

/**
 * What every change of status carries, so that whoever counts runs by session needs no other event:
 * where the run came from, and the session it belongs to.
 */
interface Transition {
  readonly from: RunStatus;
  readonly session_id?: string;
}

interface Ending extends Transition {
  readonly done_reason?: string;
}

/** A worker's hold on a run: it must be prolonged before it expires, or the run is taken away. */
export interface Lease {
  /** UUID that the worker names with every change; a secret between it and the service. */
  readonly lease_id: string;
  readonly worker_id: string;
  /** For how long each prolongation holds. */
  readonly seconds: number;
  /** RFC 3339 UTC with milliseconds, by the service's clock. */
  readonly expires_at: string;
}

export type RunCreated = Fact<'RunCreated', Omit<RunBirth, 'started'>>;
export type RunStarted = Fact<'RunStarted', Transition & { readonly lease?: Lease }>;
export type RunLeaseExtended = Fact<
  'RunLeaseExtended',
  Pick<Lease, 'lease_id' | 'expires_at'> & { readonly session_id?: string }
>;
/** The run is pending again: whoever had leased it let the lease expire. */
export type RunRequeued = Fact<
  'RunRequeued',
  Transition & { readonly reason: 'lease_expired'; readonly worker_id: string }
>;
export type RunCompleted = Fact<'RunCompleted', Ending & { readonly output?: Json }>;
export type RunFailed = Fact<
  'RunFailed',
  Ending & {
    readonly error?: RunError;
    readonly output?: Json;
    /** Set when the service gave the run up: who let the lease of its last attempt expire. */
    readonly worker_id?: string;
  }
>;
export type RunCancelled = Fact<'RunCancelled', Ending & { readonly reason?: string }>;
export type RunUpdated = Fact<
  'RunUpdated',
  {
    readonly output?: Json;
    readonly error?: RunError;
    readonly done_reason?: string;
    /** Merged key by key; null removes a key. */
    readonly metadata?: JsonObject;
    readonly session_id?: string;
  }
>;
/** Usage replaces what was recorded before; `previous` lets a sum over runs be kept. */
export type RunUsageRecorded = Fact<
  'RunUsageRecorded',
  { readonly usage: Usage; readonly previous?: Usage; readonly session_id?: string }
>;

/** Something that a worker tells of its run, in the words of the API: one event of the timeline. */
export type RunEventRecorded = Fact<
  'RunEventRecorded',
  {
    readonly type: string;
    readonly data: JsonObject;
    /** The caller's own name for the event, unique in the run. */
    readonly id?: string;
    readonly session_id?: string;
  }
>;

/** The facts of a stream `run-<id>`: each of them is one event of the run's timeline. */
export type RunFact =
  | RunCreated
  | RunStarted
  | RunLeaseExtended
  | RunRequeued
  | RunCompleted
  | RunFailed
  | RunCancelled
  | RunUpdated
  | RunUsageRecorded
  | RunEventRecorded;

export const runStream = (id: string): string => `run-${id}`;

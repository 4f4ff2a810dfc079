import { ApiSchema } from '@nestjs/swagger';
import type { Json, JsonObject } from '#eventsourcing';
import { noProcesses, type ProcessCounts, UsageResource } from '#sessions';
import type { RunState } from './run.decider.js';
import type { RunKind, RunStatus } from './run.events.js';

@ApiSchema({ name: 'Lease' })
export class LeaseResource {
  worker_id: string;
  expires_at: string;
}

/** Who had a run cancelled, and why. */
@ApiSchema({ name: 'StatusReason' })
export class StatusReasonResource {
  actor: string;
  reason: string | null;
}

@ApiSchema({ name: 'RunError' })
export class RunErrorResource {
  code: string;
  message: string;
  details?: Json;
}

/** A run as the API shows it. */
@ApiSchema({ name: 'Run' })
export class RunResource {
  id: string;
  project_id: string;
  user_id: string;
  task_id: string;
  job_id: string | null;
  session_id: string | null;
  parent_run_id: string | null;
  root_run_id: string;
  kind: RunKind;
  source: string | null;
  status: RunStatus;
  done_reason: string | null;
  status_reason: StatusReasonResource | null;
  input: Json;
  output: Json;
  error: RunErrorResource | null;
  usage: UsageResource | null;
  metadata: JsonObject;
  attempt: number;
  max_attempts: number;
  lease: LeaseResource | null;
  process_counts: { starting: number; running: number; ended: number };
  created_at: string;
  started_at: string | null;
  ended_at: string | null;
  updated_at: string;
  revision: number;
}

/** The lease of a running run, without the id that only its worker knows. */
export const shownLease = ({ status, lease }: RunState): LeaseResource | null =>
  status === 'running' && lease !== null
    ? { worker_id: lease.worker_id, expires_at: lease.expires_at }
    : null;

/** A run with what the read model knows of its processes; absent, there is none. */
export type RunRow = RunState & { readonly process_counts?: ProcessCounts };

/** A run as the API shows it, field by field: nothing else of it is shown, and lists make many. */
export function runResource(run: RunRow): RunResource {
  return {
    id: run.id,
    project_id: run.project_id,
    user_id: run.user_id,
    task_id: run.task_id,
    job_id: run.job_id,
    session_id: run.session_id,
    parent_run_id: run.parent_run_id,
    root_run_id: run.root_run_id,
    kind: run.kind,
    source: run.source,
    status: run.status,
    done_reason: run.done_reason,
    status_reason: run.status_reason,
    input: run.input,
    output: run.output,
    error: run.error,
    usage: run.usage,
    metadata: run.metadata,
    attempt: run.attempt,
    max_attempts: run.max_attempts,
    lease: shownLease(run),
    process_counts: run.process_counts ?? noProcesses,
    created_at: run.created_at,
    started_at: run.started_at,
    ended_at: run.ended_at,
    updated_at: run.updated_at,
    revision: run.revision,
  };
}

/** A run among those below another: its distance from that one. */
@ApiSchema({ name: 'RunInTree' })
export class RunInTree extends RunResource {
  depth: number;
}

@ApiSchema({ name: 'RunTree' })
export class RunTree {
  data: RunInTree[];
  /** Some are not shown: there are more than 1,000, or they are too large for one answer. Else it is absent. */
  truncated?: boolean;
}

/** A run that was just created, with the lease that its creator asked for; `lease_id` is shown here and nowhere else. */
@ApiSchema({ name: 'NewRun' })
export class NewRun extends RunResource {
  lease_id?: string;
}

/** A run that a worker has just claimed; `lease_id` is shown here and nowhere else. */
@ApiSchema({ name: 'ClaimedRun' })
export class ClaimedRun extends RunResource {
  lease_id: string;
}

export const claimedRun = (run: RunRow): ClaimedRun =>
  Object.assign(runResource(run), { lease_id: run.lease?.lease_id ?? '' });

@ApiSchema({ name: 'Heartbeat' })
export class Heartbeat {
  lease: LeaseResource;
}

@ApiSchema({ name: 'CancelledRun' })
export class CancelledRun {
  status: 'cancelled' | 'no_op';
  run: RunResource;
}

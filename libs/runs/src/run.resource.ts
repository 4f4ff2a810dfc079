import { ApiSchema } from '@nestjs/swagger';
import type { Json, JsonObject } from '#eventsourcing';
import { noProcesses, type ProcessCounts } from './process-counts.js';
import type { RunState } from './run.decider.js';
import type { RunError, RunKind, RunStatus, RunUsage } from './run.events.js';

@ApiSchema({ name: 'Lease' })
export class LeaseResource {
  worker_id: string;
  expires_at: string;
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
  status_reason: { actor: string; reason: string | null } | null;
  input: Json;
  output: Json;
  error: RunError | null;
  usage: RunUsage | null;
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

/** A run as the API shows it. */
export function runResource(run: RunRow): RunResource {
  const { behind: _behind, seen: _seen, process_counts = noProcesses, ...shown } = run;
  return { ...shown, lease: shownLease(run), process_counts };
}

/** A run among those below another: its distance from that one. */
@ApiSchema({ name: 'RunInTree' })
export class RunInTree extends RunResource {
  depth: number;
}

@ApiSchema({ name: 'RunTree' })
export class RunTree {
  data: RunInTree[];
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

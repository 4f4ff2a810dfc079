import { RuleViolation } from '#eventsourcing';
import type { Run, RunState } from './run.decider.js';
import { ofSession } from './run.decider.js';
import type { Lease, RunFact } from './run.events.js';

/** A heartbeat is only stored when less than this share of the lease is left. */
const storedBelow = 0.75;

/** A lease from now on. @param now milliseconds since 1970 */
export const leaseFrom = (now: number, lease: Omit<Lease, 'expires_at'>): Lease => ({
  ...lease,
  expires_at: new Date(now + lease.seconds * 1_000).toISOString(),
});

/** Starts a pending run under a lease; one that is not there, or no longer pending, is somebody else's. */
export function claimRun(run: Run, lease: Lease): RunFact[] {
  if (run?.status !== 'pending') return [];
  return [{ type: 'RunStarted', data: { from: run.status, ...ofSession(run), lease } }];
}

/**
 * Fences a change: it is refused when it names a lease that is no longer the run's. One that has expired
 * holds until the run is taken away. A change that names none is not a worker's, and always passes.
 * @throws RuleViolation lease_lost with `run_status`
 */
export function expectLease(run: RunState, leaseId: string | undefined): void {
  if (leaseId !== undefined && run.lease?.lease_id !== leaseId) throw lost(run, leaseId);
}

/**
 * Prolongs a lease by its full length, counted from now. While three quarters of it are left nothing is
 * stored, and the expiry that is stored already holds: a worker may send heartbeats as often as it likes, and
 * what it was answered survives a crash all the same.
 * @param now milliseconds since 1970
 * @throws RuleViolation lease_lost with `run_status`, also when the run is over
 */
export function extendLease(run: RunState, leaseId: string, now: number): RunFact[] {
  const { lease } = run;
  if (run.status !== 'running' || lease?.lease_id !== leaseId) throw lost(run, leaseId);
  if (Date.parse(lease.expires_at) - now >= lease.seconds * 1_000 * storedBelow) return [];
  const { expires_at } = leaseFrom(now, lease);
  return [{ type: 'RunLeaseExtended', data: { lease_id: leaseId, expires_at, ...ofSession(run) } }];
}

/**
 * Takes a run away whose lease has expired: it is pending again, or failed after its last attempt. A run
 * that nobody leased stays as it is.
 * @param now milliseconds since 1970
 */
export function expireLease(run: Run, now: number): RunFact[] {
  if (run?.status !== 'running' || run.lease === null || Date.parse(run.lease.expires_at) > now) return [];
  const { worker_id } = run.lease;
  const data = { from: run.status, ...ofSession(run), worker_id };
  if (run.attempt < run.max_attempts) {
    return [{ type: 'RunRequeued', data: { ...data, reason: 'lease_expired' } }];
  }
  const message = `the lease of worker ${worker_id} expired in attempt ${run.attempt} of ${run.max_attempts}`;
  const error = { code: 'orphaned', message };
  return [{ type: 'RunFailed', data: { ...data, done_reason: 'orphaned', error } }];
}

const lost = ({ status, id }: RunState, leaseId: string): RuleViolation =>
  new RuleViolation('lease_lost', `run ${id} is ${status}, and not under the lease ${leaseId}`, {
    run_status: status,
  });

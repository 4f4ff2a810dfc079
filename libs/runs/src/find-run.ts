import { visible } from '#access';
import type { Principal, Streams } from '#eventsourcing';
import { RuleViolation } from '#eventsourcing';
import type { RunState } from './run.decider.js';
import { runDecider } from './run.decider.js';
import { expectLease } from './lease.decider.js';
import { runStream } from './run.events.js';

/**
 * The run, if there is one that the caller may see; its changeable parts may be somewhat old.
 * @throws RuleViolation not_found
 */
export async function findRun(streams: Streams, principal: Principal, id: string): Promise<RunState> {
  const run = await streams.glance(runDecider, runStream(id));
  if (run === undefined || !visible(principal, run)) {
    throw new RuleViolation('not_found', `there is no run ${id}`);
  }
  return run;
}

/**
 * Fences a change of what belongs to the run but stands in another stream.
 * @throws RuleViolation lease_lost
 */
export async function expectLeaseOf(streams: Streams, id: string, leaseId: string): Promise<void> {
  const { state } = await streams.load(runDecider, runStream(id));
  if (state !== undefined) expectLease(state, leaseId);
}

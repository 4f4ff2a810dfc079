import { Injectable } from '@nestjs/common';
import type { Causation } from '#eventsourcing';
import { StoreUnavailable, Streams } from '#eventsourcing';
import { Database, ReadModelClock } from '#read-models';
import { expectLease } from './lease.decider.js';
import type { RunState } from './run.decider.js';
import { cancelRun } from './run-changes.decider.js';
import { runDecider } from './run.decider.js';
import { runStream } from './run.events.js';
import { RunWrites } from './run-writes.js';

/** How long a cancel waits for the read model to know all sub-runs; the policy does what is left. */
const patience = 5_000;

export interface Cancelled {
  readonly run: RunState;
  /** False when the run was over already. */
  readonly changed: boolean;
  /** Position of the last event of the cancel and of all that followed from it. */
  readonly position: bigint | undefined;
}

/** Cancels a run and, when it has sub-runs, those too. */
@Injectable()
export class RunCanceller {
  constructor(
    private readonly streams: Streams,
    private readonly database: Database,
    private readonly clock: ReadModelClock,
    private readonly writes: RunWrites,
  ) {}

  /** @throws RuleViolation revision_mismatch, lease_lost */
  async cancel(
    id: string,
    reason: string | undefined,
    causation: Causation,
    expected?: number,
    leaseId?: string,
  ): Promise<Cancelled> {
    const { state, events, position } = await this.streams.execute(
      runDecider,
      runStream(id),
      causation,
      (run) => {
        if (run === undefined) return [];
        expectLease(run, leaseId);
        return cancelRun(run, reason, expected);
      },
    );
    const run = state as RunState;
    this.writes.wrote(run, position);
    const changed = events.length > 0;
    if (run.status !== 'cancelled' || position === undefined) return { run, changed, position };
    // Whoever was first may still be at the sub-runs: the second sees to them too, and answers no sooner.
    const below = await this.cancelChildren(id, position, causation);
    return { run, changed, position: below ?? position };
  }

  /** Waits until all runs that were created before the position are found. @throws StoreUnavailable when they are not in time */
  async expectAllKnown(position: bigint): Promise<void> {
    if (await this.clock.reached('runs', position, patience)) return;
    throw new StoreUnavailable('the read model of the runs has not come to their end');
  }

  /**
   * Cancels the sub-runs that were created before the position; those created later find their parent
   * cancelled. @returns the position of the last event that this made
   */
  cancelChildren(id: string, position: bigint, causation: Causation): Promise<bigint | undefined> {
    return this.cancelWhere('parent_run_id', id, `parent run ${id} was cancelled`, position, causation);
  }

  /** The same for the runs of a session that was deleted. */
  cancelOfSession(id: string, position: bigint, causation: Causation): Promise<bigint | undefined> {
    return this.cancelWhere('session_id', id, `session ${id} was deleted`, position, causation);
  }

  private async cancelWhere(
    column: 'parent_run_id' | 'session_id',
    id: string,
    reason: string,
    position: bigint,
    causation: Causation,
  ): Promise<bigint | undefined> {
    await this.clock.reached('runs', position, patience);
    const runs = await this.database.prepared<{ id: string }>(
      `active-below-${column}`,
      `WITH RECURSIVE below AS (
         SELECT id, status FROM runs.runs WHERE ${column} = $1 AND status IN ('pending', 'running', 'cancelled')
         UNION
         SELECT r.id, r.status FROM below b JOIN runs.runs r ON r.parent_run_id = b.id
         WHERE r.status IN ('pending', 'running', 'cancelled')
       ) SELECT id FROM below WHERE status IN ('pending', 'running')`,
      [id],
    );
    const ends = await Promise.all(runs.map((run) => this.cancel(run.id, reason, causation)));
    return ends.reduce<bigint | undefined>(
      (last, { position: end }) => (end !== undefined && (last === undefined || end > last) ? end : last),
      undefined,
    );
  }
}

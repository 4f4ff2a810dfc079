import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Causation } from '#eventsourcing';
import { Streams } from '#eventsourcing';
import { findRun } from './find-run.js';
import { expectLease, extendLease } from './lease.decider.js';
import type { RunState } from './run.decider.js';
import { runDecider } from './run.decider.js';
import { runStream } from './run.events.js';
import { RunWrites } from './run-writes.js';

export interface Beaten {
  readonly run: RunState;
  readonly position: bigint | undefined;
}

export class HeartbeatRun extends Command<Beaten> {
  constructor(
    readonly id: string,
    readonly leaseId: string,
    readonly causation: Causation,
    /** What the header says. */
    readonly fence: string | undefined,
  ) {
    super();
  }
}

/** @throws RuleViolation not_found, lease_lost */
@CommandHandler(HeartbeatRun)
export class HeartbeatRunHandler implements ICommandHandler<HeartbeatRun> {
  constructor(
    private readonly streams: Streams,
    private readonly writes: RunWrites,
  ) {}

  async execute({ id, leaseId, causation, fence }: HeartbeatRun): Promise<Beaten> {
    await findRun(this.streams, causation.principal, id);
    const { state, position } = await this.streams.execute(runDecider, runStream(id), causation, (run) => {
      expectLease(run as RunState, fence);
      return extendLease(run as RunState, leaseId, causation.milliseconds);
    });
    const run = state as RunState;
    this.writes.wrote(run, position);
    return { run, position };
  }
}

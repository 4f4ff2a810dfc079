import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Causation } from '#eventsourcing';
import { RuleViolation, Streams } from '#eventsourcing';
import { SessionBudgets } from '#sessions';
import { findRun } from './find-run.js';
import { expectLease } from './lease.decider.js';
import { RunCanceller } from './run-canceller.js';
import type { UpdateRunBody } from './run.bodies.js';
import type { RunState } from './run.decider.js';
import { changeRun } from './run-changes.decider.js';
import { runDecider } from './run.decider.js';
import { runStream } from './run.events.js';
import { RunWrites } from './run-writes.js';
import { holderBefore } from './turn.js';

export interface UpdatedRun {
  readonly run: RunState;
  readonly position: bigint | undefined;
}

export class UpdateRun extends Command<UpdatedRun> {
  constructor(
    readonly id: string,
    readonly body: UpdateRunBody,
    readonly causation: Causation,
    readonly expected: number | undefined,
    readonly leaseId?: string,
  ) {
    super();
  }
}

/** @throws RuleViolation not_found, illegal_transition, revision_mismatch, session_busy, session_paused, lease_lost */
@CommandHandler(UpdateRun)
export class UpdateRunHandler implements ICommandHandler<UpdateRun> {
  constructor(
    private readonly streams: Streams,
    private readonly canceller: RunCanceller,
    private readonly budgets: SessionBudgets,
    private readonly writes: RunWrites,
  ) {}

  async execute({ id, body, causation, expected, leaseId }: UpdateRun): Promise<UpdatedRun> {
    const known = await findRun(this.streams, causation.principal, id);
    if (body.status === 'running') await this.expectTurn(known);
    const { state, events, position } = await this.streams.execute(
      runDecider,
      runStream(id),
      causation,
      (run) => {
        expectLease(run as RunState, leaseId);
        return changeRun(run as RunState, body, expected);
      },
    );
    const run = state as RunState;
    this.writes.wrote(run, position);
    if (position === undefined || !events.some(({ type }) => type === 'RunCancelled'))
      return { run, position };
    const below = await this.canceller.cancelChildren(id, position, causation);
    return { run, position: below ?? position };
  }

  /** A run that was enqueued starts when those before it are over, and none starts in a paused session. */
  private async expectTurn(run: RunState): Promise<void> {
    const id = await holderBefore(this.streams, run);
    if (id !== undefined)
      throw new RuleViolation('session_busy', `run ${id} holds the session`, { run_id: id });
    if (run.session_id === null || (await this.isUnderWay(run))) return;
    await this.budgets.expectNotPaused(run.session_id);
  }

  private async isUnderWay({ id }: RunState): Promise<boolean> {
    const { state } = await this.streams.load(runDecider, runStream(id));
    return state?.status !== 'pending';
  }
}

import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Causation } from '#eventsourcing';
import { Streams } from '#eventsourcing';
import { findRun } from './find-run.js';
import { RunCanceller, type Cancelled } from './run-canceller.js';

export class CancelRun extends Command<Cancelled> {
  constructor(
    readonly id: string,
    readonly reason: string | undefined,
    readonly causation: Causation,
    readonly expected: number | undefined,
    readonly leaseId?: string,
  ) {
    super();
  }
}

/** @throws RuleViolation not_found, revision_mismatch, lease_lost */
@CommandHandler(CancelRun)
export class CancelRunHandler implements ICommandHandler<CancelRun> {
  constructor(
    private readonly streams: Streams,
    private readonly canceller: RunCanceller,
  ) {}

  async execute({ id, reason, causation, expected, leaseId }: CancelRun): Promise<Cancelled> {
    await findRun(this.streams, causation.principal, id);
    return this.canceller.cancel(id, reason, causation, expected, leaseId);
  }
}

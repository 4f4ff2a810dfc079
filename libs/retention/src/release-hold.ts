import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Causation } from '#eventsourcing';
import { Streams } from '#eventsourcing';
import { RecentWrites } from '#read-models';
import { legalHoldDecider, releaseHold } from './legal-hold.decider.js';
import { legalHoldStream } from './legal-hold.events.js';

export class ReleaseHold extends Command<bigint | undefined> {
  constructor(
    readonly id: string,
    readonly reason: string | undefined,
    readonly causation: Causation,
    readonly expected: number | undefined,
  ) {
    super();
  }
}

/** @throws RuleViolation not_found, also when it was released before; revision_mismatch */
@CommandHandler(ReleaseHold)
export class ReleaseHoldHandler implements ICommandHandler<ReleaseHold> {
  constructor(
    private readonly streams: Streams,
    private readonly writes: RecentWrites,
  ) {}

  async execute({ id, reason, causation, expected }: ReleaseHold): Promise<bigint | undefined> {
    const stream = legalHoldStream(causation.principal.projectId);
    const { position } = await this.streams.execute(legalHoldDecider, stream, causation, (holds) =>
      releaseHold(holds, id, reason, expected),
    );
    this.writes.wrote(id, position);
    return position;
  }
}

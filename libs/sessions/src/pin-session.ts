import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Causation } from '#eventsourcing';
import { Streams } from '#eventsourcing';
import { RecentWrites } from '#read-models';
import { findSession } from './find-session.js';
import { pin, pinDecider } from './pin.decider.js';
import { pinStream } from './session.events.js';

export class PinSession extends Command<bigint | undefined> {
  constructor(
    readonly id: string,
    readonly pinned: boolean,
    readonly causation: Causation,
  ) {
    super();
  }
}

/** Pins a session for the caller's user alone, or takes the pin away. @throws RuleViolation not_found, session_deleted */
@CommandHandler(PinSession)
export class PinSessionHandler implements ICommandHandler<PinSession> {
  constructor(
    private readonly streams: Streams,
    private readonly writes: RecentWrites,
  ) {}

  /** @returns the position of the change, also of one made before */
  async execute({ id, pinned, causation }: PinSession): Promise<bigint | undefined> {
    const { userId } = causation.principal;
    await findSession(this.streams, causation.principal, id);
    const { position } = await this.streams.execute(pinDecider, pinStream(id), causation, (pins) =>
      pin(pins, id, userId, pinned),
    );
    this.writes.wrote(id, position);
    return position;
  }
}

import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Causation } from '#eventsourcing';
import type { ForkSessionBody } from './session.bodies.js';
import { type ForkedSession, SessionForks } from './session-forks.js';

export class ForkSession extends Command<ForkedSession> {
  constructor(
    readonly id: string,
    readonly body: ForkSessionBody,
    readonly causation: Causation,
  ) {
    super();
  }
}

/** @throws RuleViolation not_found, session_deleted, session_busy; ProblemError validation_failed, projection_lagging */
@CommandHandler(ForkSession)
export class ForkSessionHandler implements ICommandHandler<ForkSession> {
  constructor(private readonly forks: SessionForks) {}

  execute({ id, body, causation }: ForkSession): Promise<ForkedSession> {
    return this.forks.fork(id, body, causation);
  }
}

import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Causation } from '#eventsourcing';
import { Streams } from '#eventsourcing';
import { RecentWrites } from '#read-models';
import { findSession } from './find-session.js';
import { sessionDecider, type SessionState } from './session.decider.js';
import { resumeSession } from './session-changes.decider.js';
import { sessionStream } from './session.events.js';
import { noFigures } from './session.figures.js';
import { usedOf } from './session.usage.js';
import { SessionBudgets } from './session-budgets.js';
import { Sessions } from './sessions.js';

export class ResumeSession extends Command<bigint | undefined> {
  constructor(
    readonly id: string,
    readonly causation: Causation,
    readonly expected: number | undefined,
    /** Position that the caller's consistency token stands for. */
    readonly seen: bigint | undefined,
  ) {
    super();
  }
}

/**
 * Lets a paused session go on; one that is not paused stays as it is.
 * @throws RuleViolation not_found, session_deleted, revision_mismatch; ProblemError projection_lagging
 */
@CommandHandler(ResumeSession)
export class ResumeSessionHandler implements ICommandHandler<ResumeSession> {
  constructor(
    private readonly streams: Streams,
    private readonly sessions: Sessions,
    private readonly budgets: SessionBudgets,
    private readonly writes: RecentWrites,
  ) {}

  /** @returns the position of the resumption */
  async execute({ id, causation, expected, seen }: ResumeSession): Promise<bigint | undefined> {
    await findSession(this.streams, causation.principal, id);
    await this.budgets.weighed(id, seen);
    const { figures = noFigures } = await this.sessions.known(causation.principal, id);
    const used = usedOf(figures);
    const { position } = await this.streams.execute(sessionDecider, sessionStream(id), causation, (session) =>
      resumeSession(session as SessionState, used, expected),
    );
    this.writes.wrote(id, position);
    return position;
  }
}

import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Causation } from '#eventsourcing';
import { Streams } from '#eventsourcing';
import { RecentWrites } from '#read-models';
import { findSession } from './find-session.js';
import { sessionDecider, type SessionState } from './session.decider.js';
import { archiveSession } from './session-changes.decider.js';
import { sessionStream } from './session.events.js';
import type { UpdatedSession } from './update-session.js';

export class ArchiveSession extends Command<UpdatedSession> {
  constructor(
    readonly id: string,
    readonly archived: boolean,
    readonly causation: Causation,
    readonly expected: number | undefined,
  ) {
    super();
  }
}

/** Hides a session from lists, or shows it again; stops nothing. @throws RuleViolation not_found, session_deleted, revision_mismatch */
@CommandHandler(ArchiveSession)
export class ArchiveSessionHandler implements ICommandHandler<ArchiveSession> {
  constructor(
    private readonly streams: Streams,
    private readonly writes: RecentWrites,
  ) {}

  async execute({ id, archived, causation, expected }: ArchiveSession): Promise<UpdatedSession> {
    await findSession(this.streams, causation.principal, id);
    const { state, position } = await this.streams.execute(
      sessionDecider,
      sessionStream(id),
      causation,
      (session) => archiveSession(session as SessionState, archived, expected),
    );
    this.writes.wrote(id, position);
    return { session: state as SessionState, position };
  }
}

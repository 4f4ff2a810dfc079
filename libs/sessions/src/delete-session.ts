import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Causation } from '#eventsourcing';
import { Streams } from '#eventsourcing';
import { RecentWrites } from '#read-models';
import { findSession } from './find-session.js';
import { Reservations } from './reservations.js';
import type { SessionState } from './session.decider.js';
import { sessionDecider } from './session.decider.js';
import { deleteSession } from './session-changes.decider.js';
import { reservationStream, sessionStream } from './session.events.js';
import { SessionRuns } from './session-runs.js';

export class DeleteSession extends Command<bigint | undefined> {
  constructor(
    readonly id: string,
    readonly causation: Causation,
    readonly expected: number | undefined,
  ) {
    super();
  }
}

/** Leaves a tombstone, frees the names, ends the runs. @throws RuleViolation not_found, session_deleted, revision_mismatch */
@CommandHandler(DeleteSession)
export class DeleteSessionHandler implements ICommandHandler<DeleteSession> {
  constructor(
    private readonly streams: Streams,
    private readonly reservations: Reservations,
    private readonly runs: SessionRuns,
    private readonly writes: RecentWrites,
  ) {}

  /** @returns the position of the last event that the deletion made */
  async execute({ id, causation, expected }: DeleteSession): Promise<bigint | undefined> {
    const before = await findSession(this.streams, causation.principal, id);
    const { position } = await this.streams.execute(sessionDecider, sessionStream(id), causation, (session) =>
      deleteSession(session as SessionState, expected),
    );
    await this.release(before, causation);
    if (position === undefined) return undefined;
    const ended = (await this.runs.end(id, position, causation)) ?? position;
    this.writes.wrote(id, ended);
    return ended;
  }

  private async release(session: SessionState, causation: Causation): Promise<void> {
    const { id, project_id, alias, parent_session_id: parent, subagent } = session;
    if (alias !== null) {
      await this.reservations.release(reservationStream.alias(project_id, alias), id, causation);
    }
    if (parent !== null && subagent !== null) {
      await this.reservations.release(reservationStream.subagent(parent, subagent.name), id, causation);
    }
  }
}

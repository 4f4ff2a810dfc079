import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Causation } from '#eventsourcing';
import { Streams } from '#eventsourcing';
import { RecentWrites } from '#read-models';
import { findSession } from './find-session.js';
import { Reservations } from './reservations.js';
import type { UpdateSessionBody } from './session.bodies.js';
import type { SessionState } from './session.decider.js';
import { changeSession, dropAlias, sessionDecider, settled } from './session.decider.js';
import { reservationStream, sessionStream } from './session.events.js';

export interface UpdatedSession {
  readonly session: SessionState;
  readonly position: bigint | undefined;
}

export class UpdateSession extends Command<UpdatedSession> {
  constructor(
    readonly id: string,
    readonly body: UpdateSessionBody,
    readonly causation: Causation,
    readonly expected: number | undefined,
  ) {
    super();
  }
}

/** @throws RuleViolation not_found, session_deleted, revision_mismatch, subagent_name_taken */
@CommandHandler(UpdateSession)
export class UpdateSessionHandler implements ICommandHandler<UpdateSession> {
  constructor(
    private readonly streams: Streams,
    private readonly reservations: Reservations,
    private readonly writes: RecentWrites,
  ) {}

  async execute({ id, body, causation, expected }: UpdateSession): Promise<UpdatedSession> {
    const before = await findSession(this.streams, causation.principal, id);
    const { alias, subagent, metadata, ...details } = body;
    const change = {
      ...settled(details),
      ...(subagent != null && { subagent }),
      ...(metadata != null && { metadata }),
    };
    await this.renamed(before, subagent?.name, causation);
    const updated = await this.streams.execute(sessionDecider, sessionStream(id), causation, (session) =>
      changeSession(session as SessionState, change, expected),
    );
    const aliased = alias === undefined ? undefined : await this.aliased(before, alias, causation);
    const position = aliased ?? updated.position;
    this.writes.wrote(id, position);
    const session = await this.streams.glance(sessionDecider, sessionStream(id));
    return { session: session as SessionState, position };
  }

  /** Takes the new name before the session bears it, and gives the old one back. */
  private async renamed(
    session: SessionState,
    name: string | undefined,
    causation: Causation,
  ): Promise<void> {
    const { parent_session_id: parent, subagent, id, user_id } = session;
    if (parent === null || name === undefined || name === subagent?.name) return;
    await this.reservations.subagent(parent, name, id, user_id, causation);
    if (subagent === null || subagent.name.toLowerCase() === name.toLowerCase()) return;
    await this.reservations.release(reservationStream.subagent(parent, subagent.name), id, causation);
  }

  private async aliased(
    { id, project_id, user_id, alias: old }: SessionState,
    alias: string | null,
    causation: Causation,
  ): Promise<bigint | undefined> {
    if (alias === old) return undefined;
    if (alias !== null) {
      const position = await this.reservations.bindAlias(project_id, alias, id, user_id, causation);
      if (old !== null) {
        await this.reservations.release(reservationStream.alias(project_id, old), id, causation);
      }
      return position;
    }
    const { position } = await this.streams.execute(sessionDecider, sessionStream(id), causation, (session) =>
      dropAlias(session as SessionState),
    );
    if (old !== null) {
      await this.reservations.release(reservationStream.alias(project_id, old), id, causation);
    }
    return position;
  }
}

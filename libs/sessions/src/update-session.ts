import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Causation } from '#eventsourcing';
import { RuleViolation, Streams } from '#eventsourcing';
import { RecentWrites } from '#read-models';
import { AliasNotes } from './alias-notes.js';
import { findSession } from './find-session.js';
import { Reservations } from './reservations.js';
import type { UpdateSessionBody } from './session.bodies.js';
import type { SessionState } from './session.decider.js';
import type { SubagentChange } from './session-changes.decider.js';
import { sessionDecider, settled } from './session.decider.js';
import { changeSession } from './session-changes.decider.js';
import { reservationStream, sessionStream } from './session.events.js';
import { SessionBudgets } from './session-budgets.js';

export interface UpdatedSession {
  readonly session: SessionState;
  readonly position: bigint | undefined;
}

interface Renaming {
  readonly taken: string | undefined;
  readonly left: string | undefined;
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

/** @throws RuleViolation not_found, session_deleted, revision_mismatch, alias_taken, subagent_name_taken, validation_failed */
@CommandHandler(UpdateSession)
export class UpdateSessionHandler implements ICommandHandler<UpdateSession> {
  constructor(
    private readonly streams: Streams,
    private readonly reservations: Reservations,
    private readonly aliases: AliasNotes,
    private readonly budgets: SessionBudgets,
    private readonly writes: RecentWrites,
  ) {}

  async execute({ id, body, causation, expected }: UpdateSession): Promise<UpdatedSession> {
    const before = await findSession(this.streams, causation.principal, id);
    const { alias, subagent, metadata, ...details } = body;
    const change = {
      ...settled(details),
      ...(subagent !== undefined && { subagent }),
      ...(metadata !== undefined && { metadata }),
    };
    if (alias != null) await this.reservations.expectAlias(alias, causation);
    const given = await this.reserveName(before, subagent, causation);
    const updated = await this.streams
      .execute(sessionDecider, sessionStream(id), causation, (session) =>
        changeSession(session as SessionState, change, expected),
      )
      .catch(async (error: unknown) => {
        if (error instanceof RuleViolation) await this.releaseName(given?.taken, id, causation);
        throw error;
      });
    await this.releaseName(given?.left, id, causation);
    const now = updated.state as SessionState;
    const aliased = alias === undefined ? undefined : await this.aliased(now, alias, causation);
    const position = aliased ?? updated.position;
    this.writes.wrote(id, position);
    if (change.budget !== undefined) return this.weighed(id);
    const session = await this.streams.glance(sessionDecider, sessionStream(id));
    return { session: session as SessionState, position };
  }

  /** The session after its new budget was weighed, by whichever process does so. */
  private async weighed(id: string): Promise<UpdatedSession> {
    await this.budgets.weighed(id);
    const { state } = await this.streams.load(sessionDecider, sessionStream(id));
    const position = (await this.streams.findLast(sessionStream(id), () => true))?.position;
    this.writes.wrote(id, position);
    return { session: state as SessionState, position };
  }

  /**
   * Takes the sub-agent's new name before the session bears it.
   * @returns the streams of the names taken and left, undefined when the name stays
   */
  private async reserveName(
    session: SessionState,
    change: SubagentChange | null | undefined,
    causation: Causation,
  ): Promise<Renaming | undefined> {
    const { parent_session_id: parent, subagent, id, user_id } = session;
    if (parent === null || change === undefined) return undefined;
    const left = subagent === null ? undefined : reservationStream.subagent(parent, subagent.name);
    if (change === null) return { taken: undefined, left };
    if (change.name === undefined) return undefined;
    const taken = reservationStream.subagent(parent, change.name);
    if (taken === left) return undefined;
    await this.reservations.subagent(parent, change.name, id, user_id, causation);
    return { taken, left };
  }

  private async releaseName(stream: string | undefined, id: string, causation: Causation): Promise<void> {
    if (stream !== undefined) await this.reservations.release(stream, id, causation);
  }

  private async aliased(
    { id, project_id, user_id, alias: old }: SessionState,
    alias: string | null,
    causation: Causation,
  ): Promise<bigint | undefined> {
    if (alias === old) return undefined;
    const { reservations, aliases } = this;
    if (alias !== null) await reservations.takeAlias(project_id, alias, id, user_id, causation);
    const bound = alias === null ? undefined : await aliases.noteTaken(project_id, alias, id, causation);
    if (old === null) return bound;
    // Its own stream first: whoever reacts late to the taking must find it given back.
    await reservations.release(reservationStream.alias(project_id, old), id, causation);
    return alias === null ? aliases.noteAlias(id, old, causation) : bound;
  }
}

import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { seesAllUsers } from '#access';
import type { Causation } from '#eventsourcing';
import { referenced, RuleViolation, Streams } from '#eventsourcing';
import { ProblemError } from '#http';
import { RecentWrites } from '#read-models';
import { AliasNotes } from './alias-notes.js';
import { findSession } from './find-session.js';
import { Reservations } from './reservations.js';
import type { CreateSessionBody } from './session.bodies.js';
import type { SessionState } from './session.decider.js';
import { sessionDecider, settled } from './session.decider.js';
import { createSession } from './session-changes.decider.js';
import type { SessionBirth } from './session.events.js';
import { sessionStream } from './session.events.js';

export interface CreatedSession {
  readonly session: SessionState;
  /** False when the external id named one that was there already. */
  readonly created: boolean;
  readonly position: bigint | undefined;
}

export class CreateSession extends Command<CreatedSession> {
  constructor(
    readonly body: CreateSessionBody,
    readonly causation: Causation,
  ) {
    super();
  }
}

/**
 * Creates a session, names first: the external id, the sub-agent's name, the alias, then the session itself.
 * @throws RuleViolation unknown_reference, external_id_taken, session_deleted, alias_taken, subagent_name_taken
 */
@CommandHandler(CreateSession)
export class CreateSessionHandler implements ICommandHandler<CreateSession> {
  constructor(
    private readonly streams: Streams,
    private readonly reservations: Reservations,
    private readonly aliases: AliasNotes,
    private readonly writes: RecentWrites,
  ) {}

  async execute({ body, causation }: CreateSession): Promise<CreatedSession> {
    const { principal } = causation;
    const { alias, user_id, external_id, parent_session_id, metadata, ...details } = body;
    if (user_id != null && user_id !== principal.userId && !seesAllUsers(principal)) {
      throw new RuleViolation('forbidden', 'only a worker or an operator may name another user');
    }
    const parent =
      parent_session_id == null
        ? undefined
        : await referenced(findSession(this.streams, principal, parent_session_id), '/parent_session_id');
    // What a worker makes belongs to whom it works for.
    const owner = user_id ?? parent?.user_id ?? principal.userId;
    const own = causation.mint();
    const id = await this.identity(own, body, owner, causation);
    const minted = id === own;
    const birth: SessionBirth = {
      metadata: metadata ?? {},
      ...settled(details),
      ...(external_id != null && { external_id }),
      ...(parent !== undefined && {
        parent_session_id: parent.id,
        ...(parent.resolved_owner_user_id !== owner && {
          resolved_owner_user_id: parent.resolved_owner_user_id,
        }),
      }),
      session_id: id,
      project_id: principal.projectId,
      user_id: owner,
      owner_principal_id: principal.principalId,
    };
    if (minted || !(await this.exists(id))) await this.reserveNames(birth, alias ?? undefined, causation);
    const made = await this.streams.execute(
      sessionDecider,
      sessionStream(id),
      causation,
      (session) => createSession(session, birth),
      { minted },
    );
    const session = made.state as SessionState;
    if (made.events.length === 0) {
      return { session: live(session), created: false, position: made.position };
    }
    this.writes.wrote(id, made.position);
    if (alias == null) return { session, created: true, position: made.position };
    return this.named(session, alias, causation, made.position);
  }

  /** The id of the session: its own new one, or that of the session which has this external id. */
  private async identity(
    id: string,
    body: CreateSessionBody,
    owner: string,
    causation: Causation,
  ): Promise<string> {
    if (body.external_id == null) return id;
    const { projectId } = causation.principal;
    const holder = await this.reservations.externalId(projectId, body.external_id, id, owner, causation);
    if (holder.user_id !== owner) {
      throw new RuleViolation('external_id_taken', `${body.external_id} names another user's session`);
    }
    return holder.holder ?? id;
  }

  private async exists(id: string): Promise<boolean> {
    return (await this.streams.load(sessionDecider, sessionStream(id))).state !== undefined;
  }

  private async reserveNames(
    birth: SessionBirth,
    alias: string | undefined,
    causation: Causation,
  ): Promise<void> {
    const { parent_session_id: parent, subagent, session_id, user_id, project_id } = birth;
    const { reservations } = this;
    if (alias !== undefined) await reservations.expectAlias(alias, causation);
    if (parent !== undefined && subagent !== undefined) {
      await reservations.subagent(parent, subagent.name, session_id, user_id, causation);
    }
    // Last of all: it may be taken from another session.
    if (alias !== undefined) {
      await reservations.takeAlias(project_id, alias, session_id, user_id, causation);
    }
  }

  private async named(
    { id, project_id }: SessionState,
    alias: string,
    causation: Causation,
    created: bigint | undefined,
  ): Promise<CreatedSession> {
    const bound = await this.aliases.noteTaken(project_id, alias, id, causation);
    const session = (await this.streams.glance(sessionDecider, sessionStream(id))) as SessionState;
    return { session, created: true, position: bound ?? created };
  }
}

function live(session: SessionState): SessionState {
  if (session.deleted_at === null) return session;
  throw new ProblemError('session_deleted', 'The external id named a session that was deleted.', {
    status: 409,
  });
}

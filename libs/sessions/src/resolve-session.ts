import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Causation } from '#eventsourcing';
import { RuleViolation, Streams } from '#eventsourcing';
import { isUuid } from '#http';
import { RecentWrites } from '#read-models';
import { AliasNotes } from './alias-notes.js';
import { findSession } from './find-session.js';
import { Reservations } from './reservations.js';
import { SessionForks } from './session-forks.js';
import type { ResolveSessionBody } from './session.bodies.js';
import { sessionDecider, type SessionState } from './session.decider.js';
import { createSession } from './session-changes.decider.js';
import { reservationStream, sessionStream } from './session.events.js';
import type { Resolution } from './session.resource.js';

export interface ResolvedSession {
  readonly session: SessionState;
  readonly resolution: Resolution;
  readonly position: bigint | undefined;
}

export class ResolveSession extends Command<ResolvedSession> {
  constructor(
    readonly body: ResolveSessionBody,
    readonly causation: Causation,
  ) {
    super();
  }
}

/** An alias whose sessions keep being deleted is given up on after so many. */
const attempts = 20;

/**
 * Forks a session when that is asked for; else finds one by id, then by alias, or makes one. A given alias
 * names it from then on. @throws RuleViolation not_found, session_deleted, session_busy, alias_taken; ProblemError projection_lagging
 */
@CommandHandler(ResolveSession)
export class ResolveSessionHandler implements ICommandHandler<ResolveSession> {
  constructor(
    private readonly streams: Streams,
    private readonly reservations: Reservations,
    private readonly aliases: AliasNotes,
    private readonly forks: SessionForks,
    private readonly writes: RecentWrites,
  ) {}

  async execute({ body, causation }: ResolveSession): Promise<ResolvedSession> {
    const { fork_from, session_id, alias } = body;
    if (fork_from != null) return this.forked(fork_from, alias ?? undefined, causation);
    if (session_id != null) return this.byId(session_id, alias ?? undefined, causation);
    if (alias == null) return this.created(causation.mint(), causation);
    const own = causation.mint();
    for (let attempt = 1; attempt <= attempts; attempt++) {
      const found = await this.byAlias(alias, own, causation);
      if (found !== undefined) return found;
    }
    throw new RuleViolation('revision_conflict', `the alias ${alias} keeps changing hands`);
  }

  private async forked(
    from: string,
    alias: string | undefined,
    causation: Causation,
  ): Promise<ResolvedSession> {
    const source = (await this.reservations.aliased(causation.principal, from)) ?? from;
    if (!isUuid(source)) throw new RuleViolation('not_found', `there is no session ${from}`);
    if (alias !== undefined) await this.reservations.expectAlias(alias, causation);
    const fork = await this.forks.fork(source, {}, causation, alias);
    return this.named(fork.session, alias, causation, 'forked', fork.position);
  }

  private async byId(id: string, alias: string | undefined, causation: Causation): Promise<ResolvedSession> {
    const session = await findSession(this.streams, causation.principal, id);
    const { project_id, user_id } = session;
    if (alias !== undefined) await this.reservations.takeAlias(project_id, alias, id, user_id, causation);
    return this.named(session, alias, causation, 'session_id');
  }

  /** The session, which bears the alias that it has taken. @param position of what was written so far */
  private async named(
    { id, project_id }: SessionState,
    alias: string | undefined,
    causation: Causation,
    resolution: Resolution,
    position?: bigint,
  ): Promise<ResolvedSession> {
    const named =
      alias === undefined ? undefined : await this.aliases.noteTaken(project_id, alias, id, causation);
    const { state } = await this.streams.load(sessionDecider, sessionStream(id));
    return { session: state as SessionState, resolution, position: named ?? position };
  }

  /**
   * Whoever reserves the alias first says which session it names; all others find, or help to make, that one.
   * @returns undefined when it named a deleted one, and is free again by now
   */
  private async byAlias(
    alias: string,
    own: string,
    causation: Causation,
  ): Promise<ResolvedSession | undefined> {
    const { principal } = causation;
    const { holder, user_id } = await this.reservations.alias(
      principal.projectId,
      alias,
      own,
      principal.userId,
      causation,
    );
    const id = holder ?? own;
    const { state } = await this.streams.load(sessionDecider, sessionStream(id));
    if (state !== undefined && state.deleted_at !== null) {
      await this.reservations.release(reservationStream.alias(principal.projectId, alias), id, causation);
      return undefined;
    }
    const made =
      state === undefined ? await this.created(id, causation, user_id ?? principal.userId) : undefined;
    const noted = await this.aliases.noteAlias(id, alias, causation);
    const session = await this.streams.glance(sessionDecider, sessionStream(id));
    if (session === undefined) return undefined;
    const resolution = made?.resolution === 'created' ? 'created' : 'alias';
    return { session, resolution, position: noted ?? made?.position };
  }

  /** Another request may make the same session at this moment: only one of them has created it. */
  private async created(
    id: string,
    causation: Causation,
    user_id = causation.principal.userId,
  ): Promise<ResolvedSession> {
    const { projectId: project_id, principalId: owner_principal_id } = causation.principal;
    const birth = { session_id: id, project_id, user_id, owner_principal_id, metadata: {} };
    const { state, events, position } = await this.streams.execute(
      sessionDecider,
      sessionStream(id),
      causation,
      (session) => createSession(session, birth),
    );
    this.writes.wrote(id, position);
    const resolution = events.length > 0 ? 'created' : 'alias';
    return { session: state as SessionState, resolution, position };
  }
}

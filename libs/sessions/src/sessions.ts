import { Injectable } from '@nestjs/common';
import { visible } from '#access';
import type { Principal } from '#eventsourcing';
import { RuleViolation, Streams } from '#eventsourcing';
import type { AsOf } from '#http';
import { Database, RecentWrites } from '#read-models';
import { findSession } from './find-session.js';
import type { SessionState } from './session.decider.js';
import type { SessionRow } from './session.rows.js';
import { pinnedBy } from './session.projection.js';
import { figuresOf, noFigures, type SessionFigures } from './session.figures.js';
import { SessionPast } from './session-past.js';
import { sessionResource, type SessionResource } from './session.resource.js';

/** A row as one caller sees it. */
interface ShownRow extends SessionRow {
  readonly is_pinned: boolean;
}

/** Reads single sessions as the API shows them. */
@Injectable()
export class Sessions {
  constructor(
    private readonly database: Database,
    private readonly streams: Streams,
    private readonly writes: RecentWrites,
    private readonly history: SessionPast,
  ) {}

  /** @throws RuleViolation not_found, session_deleted */
  async get(principal: Principal, id: string): Promise<SessionResource> {
    const { session, figures = noFigures, is_pinned = false } = await this.known(principal, id);
    return sessionResource(session, figures, is_pinned);
  }

  /** The session with what its read model knows of it, if it knows it yet. @throws RuleViolation not_found, session_deleted */
  async known(
    principal: Principal,
    id: string,
  ): Promise<{ session: SessionState; figures?: SessionFigures; is_pinned?: boolean }> {
    await this.writes.settled('sessions', id);
    const row = await this.row(principal, id);
    // A session that the read model does not know yet may be there all the same.
    const session = row?.doc ?? (await findSession(this.streams, principal, id));
    if (!visible(principal, session)) throw new RuleViolation('not_found', `there is no session ${id}`);
    if (session.deleted_at !== null) throw new RuleViolation('session_deleted', 'the session was deleted');
    return { session, ...(row !== undefined && { figures: figuresOf(row), is_pinned: row.is_pinned }) };
  }

  /** The session as it was at a moment. @throws RuleViolation not_found, also when it was not yet there; session_deleted */
  async past(principal: Principal, id: string, had: AsOf): Promise<SessionResource> {
    await findSession(this.streams, principal, id);
    const [past, row] = await Promise.all([this.history.at(id, had), this.row(principal, id)]);
    if (past === undefined) throw new RuleViolation('not_found', `session ${id} was not yet there`);
    return sessionResource(past.session, past.figures, row?.is_pinned ?? false);
  }

  /**
   * A session that a command has just changed, with what the read model knows of its runs.
   * @param isNew it was created by that command, and cannot have any
   */
  async shown(principal: Principal, session: SessionState, isNew = false): Promise<SessionResource> {
    const row = isNew ? undefined : await this.row(principal, session.id);
    return sessionResource(session, row === undefined ? noFigures : figuresOf(row), row?.is_pinned ?? false);
  }

  private async row(principal: Principal, id: string): Promise<ShownRow | undefined> {
    const [row] = await this.database.prepared<ShownRow>(
      'session',
      `SELECT id, doc, figures, ${pinnedBy('$2')} AS is_pinned FROM sessions.sessions s WHERE id = $1`,
      [id, principal.userId],
    );
    return row;
  }
}

import { Injectable } from '@nestjs/common';
import { visible } from '#access';
import type { Principal } from '#eventsourcing';
import { RuleViolation, Streams } from '#eventsourcing';
import type { AsOf } from '#http';
import { Database, RecentWrites } from '#read-models';
import { findSession } from './find-session.js';
import type { SessionState } from './session.decider.js';
import type { SessionRow } from './session.projection.js';
import { noFigures } from './session.figures.js';
import { SessionPast } from './session-past.js';
import { sessionResource, type SessionResource } from './session.resource.js';

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
    await this.writes.settled('sessions', id);
    const row = await this.row(id);
    // A session that the read model does not know yet may be there all the same.
    const session = row?.doc ?? (await findSession(this.streams, principal, id));
    if (!visible(principal, session)) throw new RuleViolation('not_found', `there is no session ${id}`);
    if (session.deleted_at !== null) throw new RuleViolation('session_deleted', 'the session was deleted');
    return sessionResource(session, row?.figures ?? noFigures);
  }

  /** The session as it was at a moment. @throws RuleViolation not_found, also when it was not yet there; session_deleted */
  async past(principal: Principal, id: string, had: AsOf): Promise<SessionResource> {
    await findSession(this.streams, principal, id);
    const past = await this.history.at(id, had);
    if (past === undefined) throw new RuleViolation('not_found', `session ${id} was not yet there`);
    return sessionResource(past.session, past.figures);
  }

  /** A session that a command has just changed, with what the read model knows of its runs. */
  async shown(session: SessionState): Promise<SessionResource> {
    const row = session.revision === 1 ? undefined : await this.row(session.id);
    return sessionResource(session, row?.figures ?? noFigures);
  }

  private async row(id: string): Promise<SessionRow | undefined> {
    const [row] = await this.database.prepared<SessionRow>(
      'session',
      'SELECT id, doc, figures FROM sessions.sessions WHERE id = $1',
      [id],
    );
    return row;
  }
}

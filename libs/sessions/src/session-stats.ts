import { Injectable } from '@nestjs/common';
import { seesAllUsers } from '#access';
import { type RequestContext, waitFor } from '#http';
import { Database, ReadModelClock, Where } from '#read-models';
import { type SessionStatus, sessionStatuses } from './session.figures.js';
import type { StatsResource } from './summary.resource.js';

/** Counts the sessions that a caller may see, archived ones too. */
@Injectable()
export class SessionStats {
  constructor(
    private readonly database: Database,
    private readonly clock: ReadModelClock,
  ) {}

  /** @throws ProblemError projection_lagging */
  async of(ctx: RequestContext): Promise<StatsResource> {
    const { principal } = ctx;
    await waitFor(this.clock, ctx, 'sessions');
    const where = new Where().and('project_id = ? AND live', principal.projectId);
    if (!seesAllUsers(principal)) where.and('user_id = ?', principal.userId);
    const rows = await this.database.query<{ status: SessionStatus; count: number }>(
      `SELECT status, count(*)::int AS count FROM sessions.sessions WHERE ${where.sql} GROUP BY status`,
      where.values,
    );
    const counts = new Map(rows.map(({ status, count }) => [status, count]));
    const each = Object.fromEntries(sessionStatuses.map((status) => [status, counts.get(status) ?? 0]));
    return { total: rows.reduce((sum, { count }) => sum + count, 0), ...each } as StatsResource;
  }
}

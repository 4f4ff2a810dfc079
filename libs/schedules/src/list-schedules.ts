import { type IQueryHandler, Query, QueryHandler } from '@nestjs/cqrs';
import { Streams } from '#eventsourcing';
import { keysOf, page, type Page, type RequestContext, waitFor } from '#http';
import { Database, type Keyset, keysetPage, ReadModelClock, RecentWrites, Where } from '#read-models';
import { findSession } from '#sessions';
import type { ListSchedulesQuery } from './schedule.bodies.js';
import type { ScheduleState } from './schedule.decider.js';
import { scheduleResource, type ScheduleResource } from './schedule.resource.js';

export class ListSchedules extends Query<Page<ScheduleResource>> {
  constructor(
    readonly sessionId: string,
    readonly query: ListSchedulesQuery,
    readonly ctx: RequestContext,
  ) {
    super();
  }
}

/** Whoever may see the session may see its schedules. @throws RuleViolation not_found, session_deleted; ProblemError invalid_cursor, projection_lagging */
@QueryHandler(ListSchedules)
export class ListSchedulesHandler implements IQueryHandler<ListSchedules> {
  constructor(
    private readonly streams: Streams,
    private readonly database: Database,
    private readonly clock: ReadModelClock,
    private readonly writes: RecentWrites,
  ) {}

  async execute({ sessionId, query, ctx }: ListSchedules): Promise<Page<ScheduleResource>> {
    await findSession(this.streams, ctx.principal, sessionId);
    const keyset = schedulesKeyset(sessionId, query, ctx);
    await waitFor(this.clock, ctx, 'schedules');
    await this.writes.settled('schedules', sessionId);
    const { rows, more } = await keysetPage<{ doc: ScheduleState }>(this.database, keyset);
    const shown = rows.map(({ doc }) => scheduleResource(doc));
    const last = shown.at(-1);
    return page(ctx, shown, more && last !== undefined ? [last.id] : undefined);
  }
}

/** What the list shows, as SQL. @throws ProblemError invalid_cursor */
export function schedulesKeyset(
  sessionId: string,
  { enabled, order = 'desc', limit, cursor }: ListSchedulesQuery,
  ctx: RequestContext,
): Keyset {
  const where = new Where().and('session_id = ?', sessionId);
  if (enabled !== undefined) where.and('enabled = ?', enabled);
  if (cursor != null) {
    where.and(`id ${order === 'desc' ? '<' : '>'} ?::uuid`, keysOf(ctx, cursor, ['uuid'])[0]);
  }
  return { columns: 'doc', from: [{ tables: 'schedules.schedules' }], key: 'id', where, order, limit };
}

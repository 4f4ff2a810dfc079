import { type IQueryHandler, Query, QueryHandler } from '@nestjs/cqrs';
import { Streams } from '#eventsourcing';
import { cursorAfter, keysOf, ProblemError, ReadModelClock, type RequestContext, waitFor } from '#http';
import { Database, RecentWrites } from '#read-models';
import { findRun } from '#runs';
import type { ListLogsQuery } from './log.bodies.js';
import { logStreamOf } from './log.events.js';
import { expectKept } from './log-extent.js';
import { extentOf, type LogEntry, type LogFilter, readLog } from './log-reader.js';
import { utcMilliseconds } from './rfc3339.js';

export interface ListedLogs {
  readonly data: LogEntry[];
  readonly next_cursor: string | null;
}

export class ListLogs extends Query<ListedLogs> {
  constructor(
    readonly runId: string,
    readonly query: ListLogsQuery,
    readonly ctx: RequestContext,
  ) {
    super();
  }
}

/** @throws RuleViolation not_found; ProblemError gone, invalid_cursor, validation_failed, projection_lagging */
@QueryHandler(ListLogs)
export class ListLogsHandler implements IQueryHandler<ListLogs> {
  constructor(
    private readonly database: Database,
    private readonly streams: Streams,
    private readonly clock: ReadModelClock,
    private readonly writes: RecentWrites,
  ) {}

  async execute({ runId, query, ctx }: ListLogs): Promise<ListedLogs> {
    const filter = filterOf(query, ctx);
    await findRun(this.streams, ctx.principal, runId);
    await waitFor(this.clock, ctx, 'logs');
    await this.writes.settled('logs', logStreamOf(runId));
    const listed = await this.listed(runId, query, filter, ctx);
    // Looked at behind the lines: what a purge has taken in between is missed, never silently.
    expectKept(await extentOf(this.database, runId), askedFor(query, filter));
    return listed;
  }

  private async listed(
    runId: string,
    query: ListLogsQuery,
    filter: LogFilter,
    ctx: RequestContext,
  ): Promise<ListedLogs> {
    const { order = 'asc', tail, limit } = query;
    if (tail !== undefined) {
      const most = Math.min(tail, limit ?? tail);
      const { entries } = await readLog(this.database, runId, filter, 'desc', most);
      return { data: order === 'asc' ? entries.reverse() : entries, next_cursor: null };
    }
    const { entries, more } = await readLog(this.database, runId, filter, order, limit ?? 1_000);
    const last = entries.at(-1);
    return { data: entries, next_cursor: more && last !== undefined ? cursorAfter(ctx, [last.seq]) : null };
  }
}

/** The bounds that were named, by the query or by the page before. Who reads from the end begins at none of them. */
function askedFor(query: ListLogsQuery, filter: LogFilter): Parameters<typeof expectKept>[1] {
  const { after_seq, before_seq, order, cursor, tail } = query;
  const backwards = order === 'desc' || tail !== undefined;
  const goesOn = cursor !== undefined && !backwards;
  const time = (text: string | undefined): number | undefined =>
    text === undefined ? undefined : Date.parse(text);
  return {
    after: after_seq === undefined && !goesOn ? undefined : filter.afterSeq,
    before: before_seq,
    from: backwards ? undefined : time(filter.from),
    to: time(filter.to),
  };
}

/** What the query asks for. @throws ProblemError invalid_cursor, validation_failed */
export function filterOf(query: ListLogsQuery, ctx: RequestContext): LogFilter {
  const { after_seq = 0, before_seq = Number.MAX_SAFE_INTEGER, from, to, order, cursor, tail } = query;
  if (cursor !== undefined && tail !== undefined) throw wrong('tail', 'is one page, and has no cursor');
  const seen = cursor === undefined ? undefined : Number(keysOf(ctx, cursor, ['integer'])[0]);
  return {
    afterSeq: order === 'desc' ? after_seq : (seen ?? after_seq),
    beforeSeq: order === 'desc' ? (seen ?? before_seq) : before_seq,
    from: bound('from', from),
    to: bound('to', to),
    streams: query.stream,
    levels: query.level,
    q: query.q,
  };
}

function bound(parameter: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const time = utcMilliseconds(text);
  if (time === undefined) throw wrong(parameter, 'must lie within the years 0001 to 9999');
  return time;
}

const wrong = (parameter: string, detail: string): ProblemError =>
  new ProblemError('validation_failed', `${parameter}: ${detail}.`, { errors: [{ parameter, detail }] });

import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { seesAllUsers } from '#access';
import type { Principal } from '#eventsourcing';
import { leastUuidv7 } from '#eventsourcing';
import { keysOf, page, type Page, type RequestContext, waitFor } from '#http';
import { Database, type Keyset, keysetPage, milliseconds, ReadModelClock, Where } from '#read-models';
import type { ListRunsQuery } from './run.bodies.js';
import { runResource, type RunResource, type RunRow } from './run.resource.js';

export class ListRuns extends Query<Page<RunResource>> {
  constructor(
    readonly query: ListRunsQuery,
    readonly ctx: RequestContext,
  ) {
    super();
  }
}

@QueryHandler(ListRuns)
export class ListRunsHandler implements IQueryHandler<ListRuns> {
  constructor(
    private readonly database: Database,
    private readonly clock: ReadModelClock,
  ) {}

  async execute({ query, ctx }: ListRuns): Promise<Page<RunResource>> {
    const after = query.cursor == null ? undefined : String(keysOf(ctx, query.cursor, ['uuid'])[0]);
    await waitFor(this.clock, ctx, 'runs');
    const keyset = runsKeyset(query, ctx.principal, after);
    const { rows, more } = await keysetPage<{ doc: RunRow }>(this.database, keyset);
    const runs = rows.map(({ doc }) => runResource(doc));
    const last = runs.at(-1);
    return page(ctx, runs, more && last !== undefined ? [last.id] : undefined);
  }
}

const equal = [
  'task_id',
  'job_id',
  'session_id',
  'parent_run_id',
  'root_run_id',
  'user_id',
  'source',
  'kind',
] as const;

const times = [
  'created_after',
  'created_before',
  'started_after',
  'started_before',
  'ended_after',
  'ended_before',
] as const;

/** What the list shows, as SQL. @param after id of the last run that the client has seen */
export function runsKeyset(query: ListRunsQuery, principal: Principal, after: string | undefined): Keyset {
  const { order = 'desc', limit } = query;
  const [first, ...moreMetadata] = Object.entries(query.metadata ?? {});
  const key = first === undefined ? 'r.id' : 'm.run_id';
  const where = new Where();
  if (first === undefined) where.and('r.project_id = ?', principal.projectId);
  else where.and('m.project_id = ? AND m.key = ? AND m.value = ?', principal.projectId, ...first);
  for (const [name, value] of moreMetadata) {
    where.and(
      'EXISTS (SELECT FROM runs.metadata o WHERE o.run_id = r.id AND o.key = ? AND o.value = ?)',
      name,
      value,
    );
  }
  if (!seesAllUsers(principal)) where.and('r.user_id = ?', principal.userId);
  for (const column of equal) if (query[column] != null) where.and(`r.${column} = ?`, query[column]);
  addTimes(query, key, where);
  if (after !== undefined) where.and(`${key} ${order === 'desc' ? '<' : '>'} ?::uuid`, after);
  const tables = first === undefined ? 'runs.runs r' : 'runs.metadata m JOIN runs.runs r ON r.id = m.run_id';
  const statuses = query.status && [...new Set(query.status)];
  const from = statuses?.map((status) => ({ tables, only: `r.status = ${where.value(status)}` }));
  const steady = first === undefined && times.every((name) => query[name] == null);
  return { columns: 'r.doc', large: 'r.doc', from: from ?? [{ tables }], key, where, order, limit, steady };
}

/** A time from its milliseconds: Postgres reads fewer years and zones from text than RFC 3339 has. */
const instant = 'to_timestamp(?::float8 / 1000)';

/** A run starts and ends after its creation: a bound above is one for the id too, where the walk begins. */
function addTimes(query: ListRunsQuery, key: string, where: Where): void {
  if (query.created_after != null) {
    where.and(`${key} >= ?::uuid`, leastUuidv7(Math.floor(milliseconds(query.created_after)) + 1));
  }
  if (query.created_before != null) {
    where.and(`${key} < ?::uuid`, leastUuidv7(milliseconds(query.created_before)));
  }
  for (const column of ['started', 'ended'] as const) {
    const [after, before] = [query[`${column}_after`], query[`${column}_before`]];
    if (after != null) where.and(`r.${column}_at > ${instant}`, milliseconds(after));
    if (before == null) continue;
    where.and(`r.${column}_at < ${instant}`, milliseconds(before));
    where.and(`${key} < ?::uuid`, leastUuidv7(milliseconds(before)));
  }
}

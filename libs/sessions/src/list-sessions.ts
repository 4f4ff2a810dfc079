import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { seesAllUsers } from '#access';
import { leastUuidv7 } from '#eventsourcing';
import { keysOf, page, type Page, type RequestContext, waitFor } from '#http';
import { Database, type Keyset, keysetPage, milliseconds, ReadModelClock, Where } from '#read-models';
import type { ListSessionsQuery } from './session.bodies.js';
import type { SessionState } from './session.decider.js';
import { figuresOf } from './session.figures.js';
import type { SessionRow } from './session.rows.js';
import { indexedAlias, pinnedBy } from './session.projection.js';
import { sessionResource, type SessionResource } from './session.resource.js';
import { searched } from './session-words.js';

/** A session that nothing has happened in is listed for this long, in milliseconds. */
const emptyListed = 60_000;

export class ListSessions extends Query<Page<SessionResource>> {
  constructor(
    readonly query: ListSessionsQuery,
    readonly ctx: RequestContext,
  ) {
    super();
  }
}

@QueryHandler(ListSessions)
export class ListSessionsHandler implements IQueryHandler<ListSessions> {
  constructor(
    private readonly database: Database,
    private readonly clock: ReadModelClock,
  ) {}

  async execute({ query, ctx }: ListSessions): Promise<Page<SessionResource>> {
    const keyset = sessionsKeyset(query, ctx);
    await waitFor(this.clock, ctx, 'sessions');
    const { rows, more } = await keysetPage<SessionRow & { is_pinned: boolean }>(this.database, keyset);
    const sessions = rows.map((row) =>
      sessionResource(row.doc as SessionState, figuresOf(row), row.is_pinned),
    );
    const last = sessions.at(-1);
    return page(ctx, sessions, more && last !== undefined ? [last.id] : undefined);
  }
}

/** What the list shows, as SQL. @throws ProblemError invalid_cursor */
export function sessionsKeyset(query: ListSessionsQuery, ctx: RequestContext): Keyset {
  const { order = 'desc', limit } = query;
  const [tag, ...moreTags] = query.tag ?? [];
  const key = tag === undefined ? 's.id' : 't.session_id';
  const where = new Where().and('s.live');
  const project = ctx.principal.projectId;
  if (tag === undefined) where.and('s.project_id = ?', project);
  else where.and('t.project_id = ? AND t.tag = ?', project, tag);
  if (moreTags.length > 0) where.and('s.tags @> ?::text[]', moreTags);
  if (!seesAllUsers(ctx.principal)) where.and('s.user_id = ?', ctx.principal.userId);
  if (query.alias != null) {
    where.and(`${indexedAlias('s.alias')} = ${indexedAlias('?')} AND s.alias = ?`, query.alias, query.alias);
  }
  for (const column of ['external_id', 'parent_session_id', 'user_id'] as const) {
    if (query[column] != null) where.and(`s.${column} = ?`, query[column]);
  }
  if (query.q != null) {
    const { column, pattern, text } = searched(query.q);
    // The index finds by the pattern; that nearly all it finds have the text is what the planner takes `<>` to mean.
    where.and(`w.${column} LIKE ? AND strpos(w.${column}, ?) <> 0`, pattern, text);
  }
  if (query.archived !== 'any') where.and(query.archived === 'true' ? 's.archived' : 'NOT s.archived');
  if (query.created_after != null) {
    where.and(`${key} >= ?::uuid`, leastUuidv7(Math.floor(milliseconds(query.created_after)) + 1));
  }
  if (query.created_before != null) {
    where.and(`${key} < ?::uuid`, leastUuidv7(milliseconds(query.created_before)));
  }
  if (query.cursor != null) {
    const [after] = keysOf(ctx, query.cursor, ['uuid']);
    where.and(`${key} ${order === 'desc' ? '<' : '>'} ?::uuid`, after);
  }
  const tables = [
    tag === undefined ? '' : 'sessions.tags t JOIN ',
    'sessions.sessions s',
    tag === undefined ? '' : ' ON s.id = t.session_id',
    query.q == null ? '' : ' JOIN sessions.words w ON w.session_id = s.id',
  ].join('');
  const from = walks(query, where).map((only) => ({ tables, ...(only !== '' && { only }) }));
  const pinned = pinnedBy(where.value(ctx.principal.userId));
  const columns = `s.id, s.doc, s.figures, ${pinned} AS is_pinned`;
  const search = query.q != null;
  const steady = !search && query.created_after == null && query.created_before == null;
  return { columns, large: 's.doc', from, key, where, order, limit, steady, search };
}

/** Disjoint conditions, each of which one index serves in order; for a search one, as it has its own index. */
function walks({ status, include_empty, q }: ListSessionsQuery, where: Where): string[] {
  const recent = (): string => `s.id >= ${where.value(leastUuidv7(Date.now() - emptyListed))}::uuid`;
  if (q != null) {
    const listed = include_empty ? [] : [`(NOT s.empty OR ${recent()})`];
    if (status !== undefined) listed.push(`s.status = ANY (${where.value(status)}::text[])`);
    return [listed.join(' AND ')];
  }
  const byUse = (): string[] => ['NOT s.empty', `s.empty AND ${recent()}`];
  if (status === undefined) return include_empty ? [''] : byUse();
  return [...new Set(status)].flatMap((word) => {
    const same = `s.status = ${where.value(word)}`;
    if (include_empty) return [same];
    // Only where no run has started yet can there be many that are empty, and are to be stepped over.
    if (word !== 'started') return [`${same} AND (NOT s.empty OR ${recent()})`];
    return byUse().map((use) => `${same} AND ${use}`);
  });
}

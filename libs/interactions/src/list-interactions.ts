import { type IQueryHandler, Query, QueryHandler } from '@nestjs/cqrs';
import { seesAllUsers } from '#access';
import { EventStore, Streams } from '#eventsourcing';
import { keysOf, page, type Page, type RequestContext, waitForPolicy } from '#http';
import { Database, type Keyset, keysetPage, ReadModelClock, Where } from '#read-models';
import { findSession } from '#sessions';
import { mayAnswer } from './answerers.js';
import type { ListInteractionsQuery } from './interaction.bodies.js';
import type { InteractionState } from './interaction.decider.js';
import { interactionKinds } from './interaction.events.js';
import { interactionResource, type InteractionResource } from './interaction.resource.js';

export class ListInteractions extends Query<Page<InteractionResource>> {
  constructor(
    readonly sessionId: string,
    readonly query: ListInteractionsQuery,
    readonly ctx: RequestContext,
  ) {
    super();
  }
}

/** @throws RuleViolation not_found, session_deleted; ProblemError invalid_cursor, projection_lagging */
@QueryHandler(ListInteractions)
export class ListInteractionsHandler implements IQueryHandler<ListInteractions> {
  constructor(
    private readonly streams: Streams,
    private readonly database: Database,
    private readonly store: EventStore,
    private readonly clock: ReadModelClock,
  ) {}

  async execute({ sessionId, query, ctx }: ListInteractions): Promise<Page<InteractionResource>> {
    await findSession(this.streams, ctx.principal, sessionId);
    const keyset = interactionsKeyset(sessionId, query, ctx);
    await waitForPolicy(this.clock, this.store, ctx, 'interaction_policy', 'interactions');
    const { rows, more } = await keysetPage<{ doc: InteractionState }>(this.database, keyset);
    const shown = rows.map(({ doc }) => interactionResource(doc));
    const last = rows.at(-1);
    return page(ctx, shown, more && last !== undefined ? [Number(last.page_key)] : undefined);
  }
}

/** What the list shows, as SQL. @throws ProblemError invalid_cursor */
export function interactionsKeyset(
  sessionId: string,
  { status, actionable_only, order = 'desc', limit, cursor }: ListInteractionsQuery,
  ctx: RequestContext,
): Keyset {
  const { principal } = ctx;
  const where = new Where().and('session_id = ?', sessionId);
  if (!seesAllUsers(principal)) where.and('user_id = ?', principal.userId);
  if (actionable_only) {
    const kinds = interactionKinds.filter((kind) => mayAnswer(principal, kind));
    where.and('expires_at > ? AND kind = ANY (?::text[])', new Date(), kinds);
  }
  if (cursor != null) {
    where.and(`place ${order === 'desc' ? '<' : '>'} ?::bigint`, keysOf(ctx, cursor, ['integer'])[0]);
  }
  const tables = 'interactions.interactions';
  const wanted = new Set(status);
  const statuses = actionable_only
    ? ['pending' as const].filter((word) => status === undefined || wanted.has(word))
    : [...wanted];
  if (actionable_only && statuses.length === 0) where.and('false');
  const from = statuses.map((word) => ({ tables, only: `status = ${where.value(word)}` }));
  return { columns: 'doc', from: from.length === 0 ? [{ tables }] : from, key: 'place', where, order, limit };
}

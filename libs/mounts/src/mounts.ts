import { Injectable } from '@nestjs/common';
import { visible } from '#access';
import { type Principal, RuleViolation, Streams } from '#eventsourcing';
import { keysOf, page, type Page, type RequestContext, waitFor } from '#http';
import { Database, type Keyset, keysetPage, ReadModelClock, RecentWrites, Where } from '#read-models';
import { findSession } from '#sessions';
import type { ListSessionMountsQuery } from './mount.bodies.js';
import { type Mount, mountDecider, type MountState } from './mount.decider.js';
import { mountStream } from './mount.events.js';
import { mountResource, type MountResource } from './mount.resource.js';

export interface ChangedMount {
  readonly mount: Mount;
  /** Undefined when nothing changed. */
  readonly position: bigint | undefined;
}

/** Reads mounts. */
@Injectable()
export class Mounts {
  constructor(
    private readonly database: Database,
    private readonly clock: ReadModelClock,
    private readonly writes: RecentWrites,
    private readonly streams: Streams,
  ) {}

  /** A mount as its stream has it now. @throws RuleViolation not_found */
  async get(principal: Principal, id: string): Promise<MountState> {
    const { state } = await this.streams.load(mountDecider, mountStream(id));
    if (state !== undefined && visible(principal, state)) return state;
    throw new RuleViolation('not_found', `there is no mount ${id}`);
  }

  /** Those of a session. @throws RuleViolation not_found, session_deleted; ProblemError invalid_cursor, projection_lagging */
  async list(
    ctx: RequestContext,
    sessionId: string,
    query: ListSessionMountsQuery,
  ): Promise<Page<MountResource>> {
    await findSession(this.streams, ctx.principal, sessionId);
    const keyset = mountsKeyset(ctx, sessionId, query);
    await waitFor(this.clock, ctx, 'mounts');
    await this.writes.settled('mounts', sessionId);
    const { rows, more } = await keysetPage<{ doc: MountState }>(this.database, keyset);
    const data = rows.map(({ doc }) => mountResource(doc));
    const last = data.at(-1);
    return page(ctx, data, more && last !== undefined ? [last.id] : undefined);
  }
}

/** What the list shows, as SQL. @throws ProblemError invalid_cursor */
export function mountsKeyset(
  ctx: RequestContext,
  sessionId: string,
  { slug, archived, order = 'desc', limit, cursor }: ListSessionMountsQuery,
): Keyset {
  const where = new Where().and('session_id = ?', sessionId);
  if (slug !== undefined) where.and('slug = ?', slug);
  if (archived !== 'any') where.and('archived = ?', archived === 'true');
  if (cursor !== undefined) {
    where.and(`id ${order === 'desc' ? '<' : '>'} ?::uuid`, keysOf(ctx, cursor, ['uuid'])[0]);
  }
  return { columns: 'doc', from: [{ tables: 'mounts.mounts' }], key: 'id', where, order, limit };
}

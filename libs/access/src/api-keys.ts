import { Injectable } from '@nestjs/common';
import { RuleViolation, type Principal } from '#eventsourcing';
import { keysOf, page, type Page, ReadModelClock, type RequestContext, waitFor } from '#http';
import { Database, keysetPage, Where } from '#read-models';
import type { ListApiKeysQuery } from './access.bodies.js';
import { accessProjection } from './access.projection.js';
import type { ApiKeyResource } from './access.resources.js';
import { ManagedProjects } from './managed-projects.js';

const columns = `k.id, k.name, k.project_id, k.role, k.user_id, k.prefix, k.created_by, k.created_at,
  k.expires_at, k.revoked_at, CASE WHEN k.revoked_at IS NULL THEN 1 ELSE 2 END AS revision`;
const tables = 'access.api_keys k JOIN access.projects p ON p.id = k.project_id';

/** Reads the keys that an admin answers for; the keys themselves and their hashes are not among it. */
@Injectable()
export class ApiKeys {
  constructor(
    private readonly database: Database,
    private readonly clock: ReadModelClock,
    private readonly projects: ManagedProjects,
  ) {}

  /** @throws RuleViolation not_found */
  async get(ctx: RequestContext, id: string): Promise<ApiKeyResource> {
    await waitFor(this.clock, ctx, accessProjection);
    const where = this.managed(ctx.principal).and('k.id = ?', id);
    const [row] = await this.database.query<ApiKeyResource>(
      `SELECT ${columns} FROM ${tables} WHERE ${where.sql}`,
      where.values,
    );
    if (row === undefined) throw new RuleViolation('not_found', `there is no API key ${id}`);
    return row;
  }

  async list(ctx: RequestContext, query: ListApiKeysQuery): Promise<Page<ApiKeyResource>> {
    const { limit, order = 'desc' } = query;
    const where = this.managed(ctx.principal);
    if (query.project_id !== undefined) where.and('k.project_id = ?', query.project_id);
    if (query.user_id !== undefined) where.and('k.user_id = ?', query.user_id);
    if (query.cursor !== undefined) {
      where.and(`k.id ${order === 'desc' ? '<' : '>'} ?::uuid`, keysOf(ctx, query.cursor, ['uuid'])[0]);
    }
    await waitFor(this.clock, ctx, accessProjection);
    const keyset = { columns, from: [{ tables }], key: 'k.id', where, order, limit };
    const { rows, more } = await keysetPage<ApiKeyResource>(this.database, keyset);
    const data = rows.map(({ page_key: _key, ...row }) => row);
    const last = data.at(-1);
    return page(ctx, data, more && last !== undefined ? [last.id] : undefined);
  }

  private managed({ projectId }: Principal): Where {
    return new Where().and(this.projects.condition, projectId);
  }
}

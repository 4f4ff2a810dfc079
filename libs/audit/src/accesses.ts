import { Injectable } from '@nestjs/common';
import { keysOf, page, type Page, type RequestContext } from '#http';
import { Database, keysetPage, Where } from '#read-models';
import type { AccessesQuery } from './audit.bodies.js';
import type { AccessResource } from './audit.resource.js';
import { AccessLog } from './access-log.js';

interface Row extends Omit<AccessResource, 'at'> {
  readonly at: Date;
}

/** Reads who has read what, and who was refused. */
@Injectable()
export class Accesses {
  constructor(
    private readonly database: Database,
    private readonly log: AccessLog,
  ) {}

  /** Those of one project; those of callers whom nobody knows are shown to the first project's. @throws StoreUnavailable */
  async list(ctx: RequestContext, query: AccessesQuery): Promise<Page<AccessResource>> {
    const { limit, order = 'desc', cursor, resource_id, actor, refused } = query;
    const { projectId } = ctx.principal;
    const where = new Where();
    if (projectId === 'default') where.and('(a.project_id = ? OR a.project_id IS NULL)', projectId);
    else where.and('a.project_id = ?', projectId);
    if (resource_id !== undefined) where.and('a.resource_id = ?', resource_id);
    if (actor !== undefined) where.and('a.principal_id = ?::uuid', actor);
    if (refused !== undefined) where.and(refused ? 'a.status >= 400' : 'a.status < 400');
    if (cursor !== undefined) {
      const [id] = keysOf(ctx, cursor, ['integer']);
      where.and(`a.id ${order === 'desc' ? '<' : '>'} ?::bigint`, id);
    }
    // What this process has recorded is to be seen at once.
    await this.log.flush();
    const { rows, more } = await keysetPage<Row>(this.database, {
      columns:
        'a.at, a.principal_id AS actor, a.method, a.route, a.resource_id, a.status, a.code, a.request_id',
      from: [{ tables: 'audit.accesses a' }],
      key: 'a.id',
      where,
      order,
      limit,
    });
    const data = rows.map(({ at, actor, method, route, resource_id, status, code, request_id }) => ({
      at: at.toISOString(),
      actor,
      method,
      route,
      resource_id,
      status,
      code,
      request_id,
    }));
    const last = rows.at(-1);
    return page(ctx, data, more && last !== undefined ? [Number(last.page_key)] : undefined);
  }
}

import { Injectable } from '@nestjs/common';
import { keysOf, page, type Page, ReadModelClock, type RequestContext, waitFor } from '#http';
import { Database, keysetPage, Where } from '#read-models';
import type { ListProjectsQuery } from './access.bodies.js';
import { accessProjection } from './access.projection.js';
import type { ProjectResource } from './access.resources.js';
import { ManagedProjects } from './managed-projects.js';

/** Reads the projects that an admin answers for. */
@Injectable()
export class Projects {
  constructor(
    private readonly database: Database,
    private readonly clock: ReadModelClock,
    private readonly managed: ManagedProjects,
  ) {}

  async list(ctx: RequestContext, query: ListProjectsQuery): Promise<Page<ProjectResource>> {
    const { limit, order = 'desc' } = query;
    const where = new Where().and(this.managed.condition, ctx.principal.projectId);
    if (query.cursor !== undefined) {
      const [number] = keysOf(ctx, query.cursor, ['integer']);
      where.and(`p.number ${order === 'desc' ? '<' : '>'} ?::bigint`, number);
    }
    await waitFor(this.clock, ctx, accessProjection);
    const { rows, more } = await keysetPage<ProjectResource>(this.database, {
      columns: 'p.id, p.name, p.created_at',
      from: [{ tables: 'access.projects p' }],
      key: 'p.number',
      where,
      order,
      limit,
    });
    const data = rows.map(({ id, name, created_at }) => ({ id, name, created_at }));
    const last = rows.at(-1);
    return page(ctx, data, more && last !== undefined ? [Number(last.page_key)] : undefined);
  }
}

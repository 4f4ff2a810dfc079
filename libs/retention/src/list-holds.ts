import { Injectable } from '@nestjs/common';
import { RuleViolation } from '#eventsourcing';
import { keysOf, page, type Page, type RequestContext, waitFor } from '#http';
import { Database, keysetPage, ReadModelClock, RecentWrites, Where } from '#read-models';
import type { LegalHold } from './legal-hold.decider.js';
import type { ListLegalHoldsQuery } from './retention.bodies.js';

/** Reads legal holds, those that were released too. */
@Injectable()
export class ListHolds {
  constructor(
    private readonly database: Database,
    private readonly clock: ReadModelClock,
    private readonly writes: RecentWrites,
  ) {}

  /** @throws RuleViolation not_found; ProblemError projection_lagging */
  async get(ctx: RequestContext, id: string): Promise<LegalHold> {
    await waitFor(this.clock, ctx, 'retention');
    await this.writes.settled('retention', id);
    const [row] = await this.database.query<{ doc: LegalHold }>(
      'SELECT doc FROM retention.holds WHERE id = $1 AND project_id = $2',
      [id, ctx.principal.projectId],
    );
    if (row === undefined) throw new RuleViolation('not_found', `there is no legal hold ${id}`);
    return row.doc;
  }

  /** @throws ProblemError invalid_cursor, projection_lagging */
  async list(ctx: RequestContext, query: ListLegalHoldsQuery): Promise<Page<LegalHold>> {
    const { limit, order = 'desc', released, cursor } = query;
    const where = new Where().and('project_id = ?', ctx.principal.projectId);
    if (released !== 'any') where.and('released = ?', released === 'true');
    if (cursor !== undefined) {
      where.and(`id ${order === 'desc' ? '<' : '>'} ?::uuid`, keysOf(ctx, cursor, ['uuid'])[0]);
    }
    await waitFor(this.clock, ctx, 'retention');
    const { rows, more } = await keysetPage<{ doc: LegalHold }>(this.database, {
      ...{ columns: 'doc', from: [{ tables: 'retention.holds' }], key: 'id' },
      ...{ where, order, limit },
    });
    const data = rows.map(({ doc }) => doc);
    const last = data.at(-1);
    return page(ctx, data, more && last !== undefined ? [last.id] : undefined);
  }
}

import { Injectable } from '@nestjs/common';
import { RuleViolation } from '#eventsourcing';
import { type RequestContext, waitFor } from '#http';
import { Database, ReadModelClock, RecentWrites } from '#read-models';
import { operationResource, type OperationResource } from './retention.resource.js';
import type { SweepState } from './sweep.decider.js';

/** Reads sweeps as operations. */
@Injectable()
export class Operations {
  constructor(
    private readonly database: Database,
    private readonly clock: ReadModelClock,
    private readonly writes: RecentWrites,
  ) {}

  /** @throws RuleViolation not_found; ProblemError projection_lagging */
  async get(ctx: RequestContext, id: string): Promise<OperationResource> {
    await waitFor(this.clock, ctx, 'retention');
    await this.writes.settled('retention', id);
    const [row] = await this.database.query<{ doc: SweepState }>(
      'SELECT doc FROM retention.sweeps WHERE id = $1 AND project_id = $2',
      [id, ctx.principal.projectId],
    );
    if (row === undefined) throw new RuleViolation('not_found', `there is no operation ${id}`);
    return operationResource(row.doc);
  }
}

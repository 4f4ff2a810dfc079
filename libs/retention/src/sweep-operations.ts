import { Injectable } from '@nestjs/common';
import { type FoundOperation, Operations, type RequestContext, waitFor } from '#http';
import { Database, ReadModelClock, RecentWrites } from '#read-models';
import { sweepResource } from './retention.resource.js';
import type { SweepState } from './sweep.decider.js';

/** Tells of sweeps as operations. */
@Injectable()
export class SweepOperations {
  constructor(
    operations: Operations,
    private readonly database: Database,
    private readonly clock: ReadModelClock,
    private readonly writes: RecentWrites,
  ) {
    operations.add((ctx, id) => this.find(ctx, id));
  }

  private async find(ctx: RequestContext, id: string): Promise<FoundOperation | undefined> {
    await waitFor(this.clock, ctx, 'retention');
    await this.writes.settled('retention', id);
    const [row] = await this.database.query<{ doc: SweepState }>(
      'SELECT doc FROM retention.sweeps WHERE id = $1 AND project_id = $2',
      [id, ctx.principal.projectId],
    );
    return row && { operation: sweepResource(row.doc), revision: row.doc.status === 'running' ? 0 : 1 };
  }
}

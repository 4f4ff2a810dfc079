import { Injectable } from '@nestjs/common';
import { Streams } from '#eventsourcing';
import { type FoundOperation, Operations, type RequestContext, waitFor } from '#http';
import { Database, ReadModelClock, RecentWrites } from '#read-models';
import { sweepResource } from './retention.resource.js';
import { sweepDecider, type SweepState } from './sweep.decider.js';
import { sweepStream } from './sweep.events.js';

/** Tells of sweeps as operations. */
@Injectable()
export class SweepOperations {
  constructor(
    operations: Operations,
    private readonly database: Database,
    private readonly clock: ReadModelClock,
    private readonly writes: RecentWrites,
    private readonly streams: Streams,
  ) {
    operations.add((ctx, id) => this.find(ctx, id));
  }

  private async find(ctx: RequestContext, id: string): Promise<FoundOperation | undefined> {
    await waitFor(this.clock, ctx, 'retention');
    await this.writes.settled('retention', id);
    const sweep = (await this.row(ctx, id)) ?? (await this.newest(ctx, id));
    return sweep && { operation: sweepResource(sweep), revision: sweep.status === 'running' ? 0 : 1 };
  }

  private async row({ principal }: RequestContext, id: string): Promise<SweepState | undefined> {
    const [row] = await this.database.query<{ doc: SweepState }>(
      'SELECT doc FROM retention.sweeps WHERE id = $1 AND project_id = $2',
      [id, principal.projectId],
    );
    return row?.doc;
  }

  /** What another process was asked for a moment ago, the read model may not have yet. */
  private async newest({ principal }: RequestContext, id: string): Promise<SweepState | undefined> {
    const { state } = await this.streams.load(sweepDecider, sweepStream(principal.projectId));
    return state?.id === id ? state : undefined;
  }
}

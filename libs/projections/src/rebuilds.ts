import { Injectable } from '@nestjs/common';
import { RuleViolation, Streams } from '#eventsourcing';
import { type FoundOperation, Operations } from '#http';
import { Database, type Projection, ProjectionsStatus } from '#read-models';
import { rebuildsDecider, type RebuildState } from './rebuild.decider.js';
import { projectionStream } from './rebuild.events.js';
import { type Progress, rebuildResource, type RebuildResource } from './rebuild.resource.js';

/** Reads the rebuilds of a projection, as its stream has them now. */
@Injectable()
export class Rebuilds {
  constructor(
    private readonly streams: Streams,
    private readonly database: Database,
    private readonly status: ProjectionsStatus,
    operations: Operations,
  ) {
    operations.add((_ctx, id) => this.find(id));
  }

  /** @throws RuleViolation not_found */
  projection(name: string): Projection {
    const found = this.status.projections.find((projection) => projection.name === name);
    if (found === undefined) throw new RuleViolation('not_found', `there is no projection ${name}`);
    return found;
  }

  /** One rebuild, with how far it has come. @throws RuleViolation not_found */
  async get(name: string, id: string): Promise<{ rebuild: RebuildResource; revision: number }> {
    this.projection(name);
    const { state, revision } = await this.streams.load(rebuildsDecider, projectionStream(name));
    const rebuild = state.find(({ rebuild_id }) => rebuild_id === id);
    if (rebuild === undefined) throw new RuleViolation('not_found', `there is no rebuild ${id} of ${name}`);
    return { rebuild: rebuildResource(rebuild, await this.progress(rebuild)), revision };
  }

  /** Those that are remembered, the newest first. @throws RuleViolation not_found */
  async list(name: string): Promise<RebuildResource[]> {
    this.projection(name);
    const { state } = await this.streams.load(rebuildsDecider, projectionStream(name));
    return Promise.all(
      state.toReversed().map(async (rebuild) => rebuildResource(rebuild, await this.progress(rebuild))),
    );
  }

  private async find(id: string): Promise<FoundOperation | undefined> {
    for (const { name } of this.status.projections) {
      const { state, revision } = await this.streams.load(rebuildsDecider, projectionStream(name));
      const rebuild = state.find(({ rebuild_id }) => rebuild_id === id);
      if (rebuild === undefined) continue;
      return { operation: rebuildResource(rebuild, await this.progress(rebuild)), revision };
    }
    return undefined;
  }

  private async progress({ state, projection, requested_at, result }: RebuildState): Promise<Progress> {
    if (result !== null) {
      const { events, milliseconds } = result;
      return { done: events, total: events, seconds: milliseconds / 1_000 };
    }
    if (state !== 'requested') return { done: 0, total: 0, seconds: 0 };
    const [row] = await this.database.query<{ done: string; total: string; seconds: number }>(
      `SELECT coalesce(b.events, 0) AS done, s.events AS total,
         greatest(0, coalesce(extract(epoch FROM b.moved_at - $2::timestamptz), 0))::float8 AS seconds
       FROM runledger.projections s
       LEFT JOIN runledger.projections b ON b.name = s.name AND b.build = 'building'
       WHERE s.name = $1 AND s.build = 'serving'`,
      [projection, requested_at],
    );
    return { done: Number(row?.done ?? 0), total: Number(row?.total ?? 0), seconds: row?.seconds ?? 0 };
  }
}

import { Injectable } from '@nestjs/common';
import { RuleViolation, Streams } from '#eventsourcing';
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
  ) {}

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

  private async progress({ state, projection, requested_at }: RebuildState): Promise<Progress | undefined> {
    if (state !== 'requested') return undefined;
    const [row] = await this.database.query<{ done: string; total: string; seconds: number }>(
      `SELECT b.events AS done, s.events AS total,
         greatest(0, extract(epoch FROM b.moved_at - $2::timestamptz))::float8 AS seconds
       FROM runledger.projections b JOIN runledger.projections s ON s.name = b.name AND s.build = 'serving'
       WHERE b.name = $1 AND b.build = 'building'`,
      [projection, requested_at],
    );
    return row && { done: Number(row.done), total: Number(row.total), seconds: row.seconds };
  }
}

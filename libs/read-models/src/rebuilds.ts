import { setTimeout } from 'node:timers/promises';
import type { Client } from 'pg';
import { StoreUnavailable } from '#eventsourcing';
import { unavailable } from '#postgres';
import type { Filling } from './filling.js';
import type { Projection } from './projection.js';
import { ProjectionBuild } from './projection-build.js';
import type { ProjectorShare } from './projector.js';
import type { Rebuild } from './rebuild.js';
import type { RebuildJob } from './rebuild-requests.js';

const retryMs = 500;

/** Carries out the rebuilds of one projection that are asked for, one after the other. */
export class Rebuilds {
  constructor(
    private readonly projection: Projection,
    private readonly filling: Filling,
    private readonly share: ProjectorShare,
    private readonly rebuild: Rebuild,
  ) {}

  /**
   * @param remains whether a leader before this one left something behind
   * @param leading aborted when this process leads no longer
   */
  async carriedOut(remains: boolean, leading: AbortSignal): Promise<void> {
    const { requests, log } = this.share;
    const { name } = this.projection;
    if (requests === undefined) return;
    const over = (): boolean => leading.aborted;
    while (!over()) {
      try {
        // Perhaps of a rebuild that nobody wants any more.
        if (remains) await this.beside(leading, (client) => this.discard(client));
        for await (const job of requests.of(name, leading)) await this.carryOut(job, leading);
        return;
      } catch (error) {
        if (over()) return;
        remains = true;
        log.error(`projection ${name}: a rebuild failed: ${String(error)}; trying again`);
        await setTimeout(retryMs, undefined, { signal: leading }).catch(() => undefined);
      }
    }
  }

  /** Tells how a job ended when what it built is gone, or serves. @throws StoreUnavailable: it is built again */
  private carryOut(job: RebuildJob, leading: AbortSignal): Promise<void> {
    return this.beside(leading, async (client, lost) => {
      const signal = AbortSignal.any([leading, lost, job.abandoned]);
      try {
        const result = await this.rebuild.run(client, job, signal);
        if (result !== undefined) await job.completed(result);
        else if (!leading.aborted && !lost.aborted) await this.discard(client);
      } catch (error) {
        const reason = unavailable(error);
        // What is lost is built again; what cannot be folded now cannot be folded then.
        if (leading.aborted || lost.aborted || reason instanceof StoreUnavailable) throw reason;
        await this.discard(client);
        await job.failed(reason instanceof Error ? reason.message : String(reason));
      }
    });
  }

  /** Does something to the tables beside those that serve. @param work its signal says that the connection is lost */
  private async beside(
    leading: AbortSignal,
    work: (client: Client, lost: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const client = this.filling.client();
    const lost = new AbortController();
    client.on('error', () => {
      lost.abort();
    });
    try {
      await client.connect();
      await this.filling.prepare(client);
      if (!leading.aborted) await work(client, lost.signal);
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  private async discard(client: Client): Promise<void> {
    const building = new ProjectionBuild(client, this.projection, 'building');
    // A leader before this one may still be building.
    await building.lock();
    await building.drop();
  }
}

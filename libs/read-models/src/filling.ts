import { Client } from 'pg';
import type { Batch, Upcasters } from '#eventsourcing';
import { GatheringSocket } from '#postgres';
import { parts, resting } from './gentle.js';
import type { Projection } from './projection.js';
import { ProjectionBuild } from './projection-build.js';
import type { SharedReading } from './shared-reading.js';

/**
 * Whole pages in the log, as the making of an index leaves them, are not worth the time that packing them
 * takes. Only a superuser may say so.
 */
const unpacked = `DO $$ BEGIN SET wal_compression = off;
  EXCEPTION WHEN insufficient_privilege THEN NULL; END $$`;

/** New tables that have caught up once, and what comes to them next. */
export interface Filled {
  readonly build: ProjectionBuild;
  /** Up to here. */
  readonly position: bigint;
  /** How many events have been folded. */
  readonly events: number;
  readonly rest: AsyncIterator<Batch>;
}

/** Fills new tables of a projection beside those that serve, from the first event. */
export class Filling {
  /** @param url of the database of the read models */
  constructor(
    private readonly projection: Projection,
    private readonly reading: SharedReading,
    private readonly url: string,
    private readonly upcasters: Upcasters,
  ) {}

  /** A connection that writes read models, not yet connected. */
  client(): Client {
    return new Client({
      connectionString: this.url,
      application_name: `runledger projector ${this.projection.name}`,
      // Rows and checkpoint are lost together, if at all, and folded again: no need to wait for the disk.
      // Indexes are made two at a time, each by one process.
      options: '-c synchronous_commit=off -c max_parallel_maintenance_workers=0',
      // One statement is put into words while the database works on the one before.
      pipeline: true,
      stream: () => new GatheringSocket(),
    });
  }

  async prepare(client: Client): Promise<void> {
    await client.query(unpacked);
  }

  /** The events of the projection after a position, in the shapes of today. */
  async *batches(after: bigint, signal: AbortSignal): AsyncGenerator<Batch> {
    for await (const batch of this.reading.subscribe(after, this.projection.prefixes, signal)) {
      yield { ...batch, events: batch.events.map((event) => this.upcasters.upcast(event)) };
    }
  }

  /**
   * Makes the tables and fills them, until they have caught up.
   * @param pace `gentle` leaves half of the time to those who read what serves meanwhile
   * @returns undefined when it was stopped before
   */
  async fill(client: Client, signal: AbortSignal, pace: 'full' | 'gentle'): Promise<Filled | undefined> {
    const build = new ProjectionBuild(client, this.projection, 'building');
    await build.create();
    await build.enter();
    const rest = this.batches(0n, signal)[Symbol.asyncIterator]();
    let events = 0;
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) {
      const batch: Batch = next.value;
      if (pace === 'full') await build.take(batch);
      else for (const part of parts(batch)) await resting(signal, () => build.take(part));
      if (signal.aborted) break;
      events += batch.events.length;
      if (!batch.caughtUp) continue;
      await (pace === 'full' ? this.index(build) : build.index());
      return { build, position: batch.position, events, rest };
    }
    return undefined;
  }

  private async index(build: ProjectionBuild): Promise<void> {
    const helper = this.client();
    helper.on('error', () => undefined); // told by its statements
    try {
      await helper.connect();
      await this.prepare(helper);
      await build.index(helper);
    } finally {
      await helper.end();
    }
  }
}

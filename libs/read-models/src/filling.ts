import { Client } from 'pg';
import { type Batch, StoreUnavailable, type Upcasters } from '#eventsourcing';
import { GatheringSocket, serveInBackground } from '#postgres';
import type { Projection } from './projection.js';
import { ProjectionBuild } from './projection-build.js';
import type { SharedReading } from './shared-reading.js';

/**
 * Whole pages in the log, as the making of an index leaves them, are not worth the time that packing them
 * takes. Only a superuser may say so.
 */
const unpacked = `DO $$ BEGIN SET wal_compression = off;
  EXCEPTION WHEN insufficient_privilege THEN NULL; END $$`;

/** New tables that have caught up. */
export interface Filled {
  /** Up to here. */
  readonly position: bigint;
  /** How many events have been folded. */
  readonly events: number;
}

/** What a build leaves to others: `background`, whatever they want, of its process, which it has for itself, and of Postgres. */
export type Pace = 'full' | 'background';

/** Fills new tables where no request waits for it. */
export interface FillElsewhere {
  /** Whether this projection can be filled there. */
  can(projection: string): boolean;
  /** Answers as `Filling.fill`, and throws what that throws. */
  fill(projection: string, signal: AbortSignal): Promise<Filled | undefined>;
}

/** Fills new tables of a projection beside those that serve, from the first event. */
export class Filling {
  /**
   * @param url of the database of the read models
   * @param elsewhere where a long history is folded, if it can be; absent: here
   */
  constructor(
    readonly projection: Projection,
    private readonly reading: SharedReading,
    private readonly url: string,
    private readonly upcasters: Upcasters,
    private readonly elsewhere?: FillElsewhere,
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
   * @param client then holds the lock of the build, and is entered into its tables
   * @param pace if it is done here
   * @returns undefined when it was stopped before
   * @throws StoreUnavailable, and what the fold throws
   */
  async fill(client: Client, signal: AbortSignal, pace: Pace): Promise<Filled | undefined> {
    const { name } = this.projection;
    const build = new ProjectionBuild(client, this.projection, 'building');
    if (this.elsewhere?.can(name) !== true || !(await this.reading.isLong())) {
      if (pace === 'background') void serveInBackground(client);
      await build.lock();
      return this.fillHere(build, signal, pace);
    }
    const filled = await this.elsewhere.fill(name, signal);
    if (filled === undefined) return undefined;
    await build.lock();
    if ((await build.position()) !== filled.position) throw new StoreUnavailable('another one builds it too');
    await build.enter();
    return filled;
  }

  private async fillHere(
    build: ProjectionBuild,
    signal: AbortSignal,
    pace: Pace,
  ): Promise<Filled | undefined> {
    await build.create();
    await build.enter();
    let events = 0;
    for await (const batch of this.batches(0n, signal)) {
      await build.take(batch);
      if (signal.aborted) break;
      events += batch.events.length;
      if (!batch.caughtUp) continue;
      await this.index(build, pace);
      return { position: batch.position, events };
    }
    return undefined;
  }

  private async index(build: ProjectionBuild, pace: Pace): Promise<void> {
    const helper = this.client();
    helper.on('error', () => undefined); // told by its statements
    try {
      await helper.connect();
      await this.prepare(helper);
      if (pace === 'background') void serveInBackground(helper);
      await build.index(helper);
    } finally {
      await helper.end();
    }
  }
}

import { setTimeout } from 'node:timers/promises';
import { Client } from 'pg';
import type { Batch } from '#eventsourcing';
import { Upcasters } from '#eventsourcing';
import type { IdleCheckpoints } from './idle-checkpoints.js';
import type { Projection } from './projection.js';
import { ProjectionBuild } from './projection-build.js';
import type { ReadModelClock } from './read-model-clock.js';
import type { SharedReading } from './shared-reading.js';

const leaderLock = 0x52_4c_50_4a;
/** After a batch that was not full, more is gathered for this long, in milliseconds. */
const lingerMs = 10;
/** The same under load: larger batches cost less for each event. */
const busyLingerMs = 50;
const busyBatch = 100;
/** The same when nothing in the batch was for this projection. */
const idleLingerMs = 60;
const retryMs = 500;

/**
 * Whole pages in the log, as the making of an index leaves them, are not worth the time that packing them
 * takes. Only a superuser may say so.
 */
const unpacked = `DO $$ BEGIN SET wal_compression = off;
  EXCEPTION WHEN insufficient_privilege THEN NULL; END $$`;

export interface ProjectorLog {
  info(message: string): void;
  error(message: string): void;
}

/** What the projectors of a process have in common. */
export interface ProjectorShare {
  readonly reading: SharedReading;
  readonly idle: IdleCheckpoints;
  readonly clock: ReadModelClock;
  readonly log: ProjectorLog;
  /** Of the database of the read models. */
  readonly url: string;
}

/**
 * Keeps one projection up to date: one leader among all processes, by advisory lock on the very
 * connection that writes, so that who has lost the lock cannot write any more.
 */
export class Projector {
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;

  constructor(
    private readonly projection: Projection,
    private readonly share: ProjectorShare,
    private readonly upcasters = new Upcasters(),
  ) {}

  start(): void {
    this.running ??= this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const client = this.client();
      const lost = new AbortController();
      client.on('error', () => {
        this.share.clock.forget();
        lost.abort();
      });
      try {
        await client.connect();
        if (await this.leads(client)) await this.lead(client, AbortSignal.any([signal, lost.signal]));
      } catch (error) {
        await this.failed(client, error);
      } finally {
        await client.end().catch(() => undefined);
      }
      await setTimeout(retryMs, undefined, { signal }).catch(() => undefined);
    }
  }

  private client(): Client {
    return new Client({
      connectionString: this.share.url,
      application_name: `runledger projector ${this.projection.name}`,
      // Rows and checkpoint are lost together, if at all, and folded again: no need to wait for the disk.
      // Indexes are made two at a time, each by one process.
      options: '-c synchronous_commit=off -c max_parallel_maintenance_workers=0',
      // One statement is put into words while the database works on the one before.
      pipeline: true,
    });
  }

  private async leads(client: Client): Promise<boolean> {
    const { rows } = await client.query<{ leads: boolean }>(
      'SELECT pg_try_advisory_lock($1, hashtext($2)) AS leads',
      [leaderLock, this.projection.name],
    );
    return rows[0]?.leads === true;
  }

  private async lead(client: Client, signal: AbortSignal): Promise<void> {
    const serving = new ProjectionBuild(client, this.projection, 'serving');
    await client.query(unpacked);
    await serving.dropLeftovers();
    let position = await serving.position();
    if (position === undefined) position = await this.build(client, signal);
    if (position === undefined) return;
    const { name } = this.projection;
    const { clock, idle } = this.share;
    clock.moved(name, position);
    idle.stands(name, position);
    await serving.enter();
    for await (const batch of this.batches(position, signal)) {
      if (batch.events.length === 0) idle.pass(name, batch.position);
      else {
        await serving.take(this.upcast(batch));
        idle.stands(name, batch.position);
      }
      clock.moved(name, batch.position);
      if (batch.caughtUp) await this.linger(batch, signal);
    }
  }

  /** Fills new tables beside the ones that serve, and switches over; undefined when it was stopped before. */
  private async build(client: Client, signal: AbortSignal): Promise<bigint | undefined> {
    const { name, version } = this.projection;
    const build = new ProjectionBuild(client, this.projection, 'building');
    await build.create();
    await build.enter();
    const started = Date.now();
    let events = 0;
    for await (const batch of this.batches(0n, signal)) {
      await build.take(this.upcast(batch));
      events += batch.events.length;
      if (!batch.caughtUp) continue;
      await this.index(build);
      await build.serve();
      this.share.log.info(
        `projection ${name} v${version}: ${events} events in ${Date.now() - started} ms, serves`,
      );
      return batch.position;
    }
    return undefined;
  }

  private async index(build: ProjectionBuild): Promise<void> {
    const helper = this.client();
    helper.on('error', () => undefined); // told by its statements
    try {
      await helper.connect();
      await helper.query(unpacked);
      await build.index(helper);
    } finally {
      await helper.end();
    }
  }

  private batches(after: bigint, signal: AbortSignal): AsyncIterable<Batch> {
    return this.share.reading.subscribe(after, this.projection.prefixes, signal);
  }

  private upcast(batch: Batch): Batch {
    return { ...batch, events: batch.events.map((event) => this.upcasters.upcast(event)) };
  }

  private async linger(batch: Batch, signal: AbortSignal): Promise<void> {
    const { length } = batch.events;
    const wait = length === 0 ? idleLingerMs : length < busyBatch ? lingerMs : busyLingerMs;
    await setTimeout(wait, undefined, { signal }).catch(() => undefined);
  }

  private async failed(client: Client, error: unknown): Promise<void> {
    const message = error instanceof Error ? error.message : String(error);
    if (this.stopping.signal.aborted) return;
    this.share.log.error(`projection ${this.projection.name}: ${message}; trying again`);
    await client
      .query('UPDATE runledger.projections SET error = $2 WHERE name = $1', [this.projection.name, message])
      .catch(() => undefined);
  }
}

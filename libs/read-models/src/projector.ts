import { setTimeout } from 'node:timers/promises';
import type { Client } from 'pg';
import type { Batch } from '#eventsourcing';
import { Upcasters } from '#eventsourcing';
import { type FillElsewhere, Filling } from './filling.js';
import type { IdleCheckpoints } from './idle-checkpoints.js';
import { Leadership } from './leadership.js';
import type { Projection } from './projection.js';
import { ProjectionBuild } from './projection-build.js';
import type { ReadModelClock } from './read-model-clock.js';
import { Rebuild } from './rebuild.js';
import type { RebuildRequests } from './rebuild-requests.js';
import { Rebuilds } from './rebuilds.js';
import type { SharedReading } from './shared-reading.js';
import { Turn } from './turn.js';

/** After a batch that was not full, more is gathered for this long, in milliseconds. */
const lingerMs = 10;
/** The same under load: larger batches cost less for each event. */
const busyLingerMs = 50;
const busyBatch = 100;
/** The same when nothing in the batch was for this projection. */
const idleLingerMs = 60;

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
  /** Absent: nobody asks for rebuilds. */
  readonly requests?: RebuildRequests;
  /** Where long histories are folded; absent: here. */
  readonly elsewhere?: FillElsewhere;
}

/**
 * Keeps one projection up to date: one leader among all processes, by advisory lock on the very
 * connection that writes, so that who has lost the lock cannot write any more.
 */
export class Projector {
  private readonly stopping = new AbortController();
  private readonly filling: Filling;
  /** Of rebuilds: what follows from the events has been done where they were served. */
  private readonly refilling: Filling;
  private readonly leadership: Leadership;
  private running: Promise<void> | undefined;

  constructor(
    private readonly projection: Projection,
    private readonly share: ProjectorShare,
    upcasters = new Upcasters(),
  ) {
    const { reading, url, elsewhere } = share;
    const { rows } = projection;
    this.refilling = new Filling(rows ?? projection, reading, url, upcasters, elsewhere);
    this.filling = rows === undefined ? this.refilling : new Filling(projection, reading, url, upcasters);
    this.leadership = new Leadership(share.url, 'projector', projection.name);
  }

  start(): void {
    this.running ??= this.leadership.lead(
      {
        client: () => this.client(),
        work: (client, leading) => this.lead(client, leading),
        failed: (error, client) => this.failed(error, client),
      },
      this.stopping.signal,
    );
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private client(): Client {
    return this.filling.client().on('error', () => {
      this.share.clock.forget();
    });
  }

  private async lead(client: Client, signal: AbortSignal): Promise<void> {
    const { clock, idle } = this.share;
    const { name } = this.projection;
    const build = new ProjectionBuild(client, this.projection, 'serving');
    await this.filling.prepare(client);
    await build.dropLeftovers();
    const position = (await build.position()) ?? (await this.build(client, signal));
    if (position === undefined) return;
    clock.moved(name, position);
    idle.stands(name, position);
    await build.enter();
    const ended = new AbortController();
    const turn = new Turn();
    const beside = new ProjectionBuild(client, this.projection, 'building');
    const giveWay = async (): Promise<void> => {
      await beside.serve();
      await build.enter();
    };
    const serving = { name, position, giveWay };
    const rebuilds = new Rebuilds(
      this.projection,
      this.refilling,
      this.share,
      new Rebuild(this.refilling, serving, clock, turn),
    );
    const rebuilding = rebuilds.carriedOut(await beside.begun(), AbortSignal.any([signal, ended.signal]));
    try {
      for await (const batch of this.filling.batches(position, signal)) {
        await turn.take(() => this.advance(build, batch));
        serving.position = batch.position;
        if (batch.caughtUp) await this.linger(batch, signal);
      }
    } finally {
      idle.leaves(name);
      ended.abort();
      await rebuilding;
    }
  }

  private async advance(serving: ProjectionBuild, batch: Batch): Promise<void> {
    const { clock, idle } = this.share;
    const { name } = this.projection;
    if (await serving.fold(batch)) idle.stands(name, batch.position);
    else idle.pass(name, batch.position);
    clock.moved(name, batch.position);
  }

  /** Fills new tables beside the ones that serve, and switches over; undefined when it was stopped before. */
  private async build(client: Client, signal: AbortSignal): Promise<bigint | undefined> {
    const { name, version } = this.projection;
    const started = Date.now();
    const building = new ProjectionBuild(client, this.projection, 'building');
    const filled = await this.filling.fill(client, signal, 'full');
    if (filled === undefined) return undefined;
    await building.serve();
    await building.unlock();
    const took = `${filled.events} events in ${Date.now() - started} ms`;
    this.share.log.info(`projection ${name} v${version}: ${took}, serves`);
    return filled.position;
  }

  private async linger(batch: Batch, signal: AbortSignal): Promise<void> {
    const { length } = batch.events;
    const wait = length === 0 ? idleLingerMs : length < busyBatch ? lingerMs : busyLingerMs;
    await setTimeout(wait, undefined, { signal }).catch(() => undefined);
  }

  private async failed(error: unknown, client: Client): Promise<void> {
    const message = error instanceof Error ? error.message : String(error);
    this.share.log.error(`projection ${this.projection.name}: ${message}; trying again`);
    await client
      .query('UPDATE runledger.projections SET error = $2 WHERE name = $1', [this.projection.name, message])
      .catch(() => undefined);
  }
}

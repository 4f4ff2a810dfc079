import { setTimeout } from 'node:timers/promises';
import type { Client } from 'pg';
import type { Batch } from '#eventsourcing';
import { StoreUnavailable, Upcasters } from '#eventsourcing';
import { Filling } from './filling.js';
import type { IdleCheckpoints } from './idle-checkpoints.js';
import { leaderLocks, Leadership } from './leadership.js';
import type { Projection } from './projection.js';
import { ProjectionBuild } from './projection-build.js';
import type { ReadModelClock } from './read-model-clock.js';
import { Rebuild } from './rebuild.js';
import type { RebuildJob, RebuildRequests } from './rebuild-requests.js';
import type { SharedReading } from './shared-reading.js';
import { Turn } from './turn.js';

/** After a batch that was not full, more is gathered for this long, in milliseconds. */
const lingerMs = 10;
/** The same under load: larger batches cost less for each event. */
const busyLingerMs = 50;
const busyBatch = 100;
/** The same when nothing in the batch was for this projection. */
const idleLingerMs = 60;
const retryMs = 500;
/** In a process one rebuild beside what serves is under way at a time. */
const rebuilding = new Turn();

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
}

/**
 * Keeps one projection up to date: one leader among all processes, by advisory lock on the very
 * connection that writes, so that who has lost the lock cannot write any more.
 */
export class Projector {
  private readonly stopping = new AbortController();
  private readonly filling: Filling;
  private readonly leadership: Leadership;
  private running: Promise<void> | undefined;

  constructor(
    private readonly projection: Projection,
    private readonly share: ProjectorShare,
    upcasters = new Upcasters(),
  ) {
    this.filling = new Filling(projection, share.reading, share.url, upcasters);
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
    const serving = { name, position, enter: () => build.enter() };
    const rebuilding = this.rebuilds(turn, serving, AbortSignal.any([signal, ended.signal]));
    try {
      for await (const batch of this.filling.batches(position, signal)) {
        await turn.take(() => this.advance(build, batch));
        serving.position = batch.position;
        if (batch.caughtUp) await this.linger(batch, signal);
      }
    } finally {
      ended.abort();
      await rebuilding;
      await idle.leave(name);
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
    const filled = await this.filling.fill(client, signal, 'full');
    if (filled === undefined) return undefined;
    await filled.rest.return?.();
    await filled.build.serve();
    const took = `${filled.events} events in ${Date.now() - started} ms`;
    this.share.log.info(`projection ${name} v${version}: ${took}, serves`);
    return filled.position;
  }

  /** Carries out the rebuilds that are asked for, one after the other, as long as this process leads. */
  private async rebuilds(
    turn: Turn,
    serving: { name: string; position: bigint; enter(): Promise<void> },
    signal: AbortSignal,
  ): Promise<void> {
    const { requests, clock, log } = this.share;
    if (requests === undefined) return;
    const rebuild = new Rebuild(this.filling, serving, clock, turn);
    const over = (): boolean => signal.aborted;
    while (!over()) {
      try {
        for await (const job of requests.of(serving.name, signal)) await this.rebuild(rebuild, job, signal);
        return;
      } catch (error) {
        if (over()) return;
        log.error(`projection ${serving.name}: a rebuild failed: ${String(error)}; trying again`);
        await setTimeout(retryMs, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  private async rebuild(rebuild: Rebuild, job: RebuildJob, leading: AbortSignal): Promise<void> {
    const client = this.filling.client();
    const lost = new AbortController();
    client.on('error', () => {
      lost.abort();
    });
    try {
      await client.connect();
      // A leader before this one may still be building.
      await client.query('SELECT pg_advisory_lock($1, hashtext($2))', [
        leaderLocks.projector,
        `${this.projection.name} build`,
      ]);
      await this.filling.prepare(client);
      const signal = AbortSignal.any([leading, lost.signal, job.abandoned]);
      const result = await rebuilding.take(() => rebuild.run(client, job, signal));
      if (result !== undefined) await job.completed(result);
      else if (!leading.aborted && !lost.signal.aborted) await this.dropBuild(client);
    } catch (error) {
      // What is lost is built again; what cannot be folded now cannot be folded then.
      if (leading.aborted || lost.signal.aborted || error instanceof StoreUnavailable) throw error;
      await job.failed(error instanceof Error ? error.message : String(error));
      await this.dropBuild(client);
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  private async dropBuild(client: Client): Promise<void> {
    await new ProjectionBuild(client, this.projection, 'building').drop();
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

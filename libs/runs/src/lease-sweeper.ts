import { setTimeout as pause } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import { byService, Streams } from '#eventsourcing';
import { Database, Leader, ReadModelClock, together } from '#read-models';
import { expireLease } from './lease.decider.js';
import { runDecider } from './run.decider.js';
import { runStream } from './run.events.js';
import { RunWrites } from './run-writes.js';

const batchSize = 500;
/** The shortest lease: one made after the last look expires no sooner than the next. */
const lookEvery = 1_000;
/** How long a round waits until the read model shows what it did, in milliseconds. */
const patience = 1_000;

/** The leases that expire next. */
export const leasesSql = `SELECT id, project_id, lease_expires_at AS expires_at FROM runs.runs
  WHERE lease_expires_at IS NOT NULL ORDER BY lease_expires_at LIMIT ${batchSize}`;

interface Leased {
  readonly id: string;
  readonly project_id: string;
  readonly expires_at: Date;
}

/**
 * Takes runs away from workers that let their leases expire, by the clock of this process. The read model
 * says where to look; whether a lease has expired is decided on the run's own stream.
 */
@Injectable()
export class LeaseSweeper {
  private readonly logger = new Logger('LeaseSweeper');
  private readonly leader: Leader;

  constructor(
    private readonly database: Database,
    private readonly streams: Streams,
    private readonly clock: ReadModelClock,
    private readonly writes: RunWrites,
  ) {
    this.leader = new Leader(database.url, 'lease_sweeper', (error) => {
      this.logger.error(`expired leases could not be swept: ${String(error)}; trying again`);
    });
  }

  /** Sweeps from now on, in one process at a time. */
  start(): void {
    this.leader.start((signal) => this.sweep(signal));
  }

  async stop(): Promise<void> {
    await this.leader.stop();
  }

  private async sweep(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await pause(await this.round(), undefined, { signal }).catch(() => undefined);
    }
  }

  /** @returns milliseconds until there may be something to do again */
  private async round(): Promise<number> {
    const leased = await this.database.prepared<Leased>('leases', leasesSql, []);
    const now = Date.now();
    const due = leased.filter(({ expires_at }) => expires_at.getTime() <= now);
    const positions = await together(due, (run) => this.expire(run, now));
    let swept = 0n;
    for (const position of positions) if (position > swept) swept = position;
    if (swept > 0n) await this.clock.reached('runs', swept, patience);
    if (due.length === batchSize) return 0;
    const next = leased[due.length]?.expires_at.getTime() ?? Infinity;
    return Math.max(0, Math.min(lookEvery, next - Date.now()));
  }

  private async expire({ id, project_id }: Leased, now: number): Promise<bigint> {
    const { state, position } = await this.streams.execute(
      runDecider,
      runStream(id),
      byService(project_id),
      (run) => expireLease(run, now),
    );
    if (state !== undefined) this.writes.wrote(state, position);
    return position ?? 0n;
  }
}

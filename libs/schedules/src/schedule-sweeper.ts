import { setTimeout as pause } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import { Listener } from '#postgres';
import { Database, Leader, ReadModelClock, together } from '#read-models';
import { Firings } from './firings.js';
import { schedulesChannel } from './schedule.projection.js';

const batchSize = 500;
/** How long a round waits until the read model shows what it did, and until it tries again, in milliseconds. */
const patience = 1_000;
/** Clocks can be set, and machines can sleep: the longest rest, in milliseconds. */
const longest = 60_000;

/** The sessions in which something is due by $1. */
export const dueSql = `SELECT session_id FROM schedules.schedules WHERE wake_at <= $1
  ORDER BY wake_at LIMIT ${batchSize}`;
export const nextSql = `SELECT min(wake_at) AS next FROM schedules.schedules WHERE wake_at IS NOT NULL`;

/**
 * Fires schedules when they are due, by the clock of this process. The read model says when to wake and
 * where to look, and wakes it itself when it changes; what is due is decided on the streams.
 */
@Injectable()
export class ScheduleSweeper {
  private readonly logger = new Logger('ScheduleSweeper');
  private readonly leader: Leader;
  private alarm = new AbortController();

  constructor(
    private readonly database: Database,
    private readonly clock: ReadModelClock,
    private readonly firings: Firings,
  ) {
    this.leader = new Leader(database.url, 'schedule_sweeper', (error) => {
      this.complain(error);
    });
  }

  /** Fires from now on, in one process at a time. */
  start(): void {
    this.leader.start((signal) => this.lead(signal));
  }

  /** Resolves when the firing under way is done. */
  async stop(): Promise<void> {
    await this.leader.stop();
  }

  private async lead(signal: AbortSignal): Promise<void> {
    const listener = new Listener(this.database.url, schedulesChannel, () => {
      this.alarm.abort();
    });
    try {
      while (!signal.aborted) {
        this.alarm = new AbortController();
        const rest = await this.round(signal);
        const end = AbortSignal.any([signal, this.alarm.signal]);
        await pause(rest, undefined, { signal: end }).catch(() => undefined);
      }
    } finally {
      await listener.close();
    }
  }

  /** @returns how long there is nothing to do, in milliseconds */
  private async round(signal: AbortSignal): Promise<number> {
    const due = await this.database.prepared<{ session_id: string }>('due-schedules', dueSql, [new Date()]);
    const sessions = [...new Set(due.map(({ session_id }) => session_id))];
    const positions = await together(sessions, (session) => this.fire(session, signal));
    let fired = 0n;
    for (const position of positions) if (position !== undefined && position > fired) fired = position;
    if (fired > 0n) await this.clock.reached('schedules', fired, patience);
    // The read model is behind, or something failed: it has nothing new to say until it moves.
    else if (due.length > 0) return patience;
    const [row] = await this.database.prepared<{ next: Date | null }>('next-schedule', nextSql, []);
    const next = row?.next?.getTime() ?? Infinity;
    return Math.min(longest, Math.max(0, next - Date.now()));
  }

  private async fire(session: string, signal: AbortSignal): Promise<bigint | undefined> {
    if (signal.aborted) return undefined;
    try {
      return await this.firings.fire(session, signal);
    } catch (error) {
      this.complain(error);
      return undefined;
    }
  }

  private complain(error: unknown): void {
    this.logger.error(`schedules could not be fired: ${String(error)}; trying again`);
  }
}

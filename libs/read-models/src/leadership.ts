import { setTimeout as pause } from 'node:timers/promises';
import type { Client } from 'pg';
import { Lookout } from './lookout.js';

const againAfter = 500;

/** Who leads which kind of work: the first half of an advisory lock. */
export const leaderLocks = { projector: 0x52_4c_50_4a, sweeper: 0x52_4c_4c_44 } as const;

/** One piece of work that one process at a time leads. */
export interface Led {
  /** A connection that is not yet made: it holds the lock, so that who loses it cannot lead any more. */
  client(): Client;
  /** Goes on until its signal is aborted, which says that this process leads no longer. */
  work(client: Client, leading: AbortSignal): Promise<void>;
  /** Is told what the work threw, and not what it threw for being stopped. */
  failed(error: unknown, client: Client): Promise<void> | void;
}

/**
 * The lead of a piece of work among all processes that share a database, by an advisory lock: when its holder
 * dies, or loses its connection, another takes over.
 */
export class Leadership {
  constructor(
    private readonly url: string,
    private readonly kind: keyof typeof leaderLocks,
    private readonly name: string,
  ) {}

  /** Has the work done whenever it is this process's turn, and again half a second after it ended. */
  async lead(led: Led, stopping: AbortSignal): Promise<void> {
    while (!stopping.aborted) {
      const client = led.client();
      const lost = new AbortController();
      client.on('error', () => {
        lost.abort();
      });
      let leads = true;
      try {
        await client.connect();
        leads = await this.taken(client);
        if (leads) await led.work(client, AbortSignal.any([stopping, lost.signal]));
      } catch (error) {
        if (!(stopping.aborted as boolean)) await led.failed(error, client);
      } finally {
        await client.end().catch(() => undefined);
      }
      await (leads
        ? pause(againAfter, undefined, { signal: stopping }).catch(() => undefined)
        : Lookout.over(this.url).vacant(leaderLocks[this.kind], this.name, stopping));
    }
  }

  /** Whether it is had now, by this very connection and until that ends. */
  private async taken(client: Client): Promise<boolean> {
    const { rows } = await client.query<{ taken: boolean }>(
      'SELECT pg_try_advisory_lock($1, hashtext($2)) AS taken',
      [leaderLocks[this.kind], this.name],
    );
    return rows[0]?.taken === true;
  }
}

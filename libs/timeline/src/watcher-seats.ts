import { Injectable } from '@nestjs/common';
import { uuidv7 } from '#eventsourcing';
import { arrayOf } from '#postgres';
import { Database } from '#read-models';

/** How often a seat says that it is still taken, in milliseconds, and how long that is believed. */
const beat = 1_000;
const believed = 10_000;

/**
 * Who watches which session in the first place: what is so at this moment and no history, and so neither an
 * event nor folded from events. It need not survive a crash of the database either.
 */
export const watcherTable = `
  CREATE UNLOGGED TABLE runledger.session_watchers (
    session_id uuid PRIMARY KEY,
    watcher_id uuid NOT NULL,
    seen_at timestamptz NOT NULL
  )`;

interface Seat {
  readonly sessionId: string;
  readonly displaced: () => void;
}

/** One place for a watcher in each session, which whoever comes later takes; shared by all processes. */
@Injectable()
export class WatcherSeats {
  private readonly seats = new Map<string, Seat>();
  private beating: NodeJS.Timeout | undefined;

  constructor(private readonly database: Database) {}

  /**
   * Takes the place of whoever has it.
   * @param displaced is called when another has taken it, at the latest a second or so later
   * @returns gives the place up
   * @throws StoreUnavailable
   */
  async take(sessionId: string, displaced: () => void): Promise<() => void> {
    const watcher = uuidv7();
    await this.database.query(
      `INSERT INTO runledger.session_watchers VALUES ($1, $2, now())
       ON CONFLICT (session_id) DO UPDATE SET watcher_id = excluded.watcher_id, seen_at = excluded.seen_at`,
      [sessionId, watcher],
    );
    this.seats.set(watcher, { sessionId, displaced });
    this.beating ??= setInterval(() => void this.look(), beat).unref();
    void this.look();
    return () => {
      this.forget(watcher);
      void this.database
        .query('DELETE FROM runledger.session_watchers WHERE session_id = $1 AND watcher_id = $2', [
          sessionId,
          watcher,
        ])
        // A place that nobody says is taken is free soon.
        .catch(() => undefined);
    };
  }

  /** Whether somebody watches a session in the first place. @throws StoreUnavailable */
  async isTaken(sessionId: string): Promise<boolean> {
    const rows = await this.database.query(
      `SELECT FROM runledger.session_watchers
       WHERE session_id = $1 AND seen_at > now() - make_interval(secs => ${believed / 1_000})`,
      [sessionId],
    );
    return rows.length > 0;
  }

  /** Says which seats of this process are taken, and learns which are not its own any more. */
  private async look(): Promise<void> {
    const asked = [...this.seats];
    try {
      const rows = await this.database.query<{ watcher_id: string }>(
        `UPDATE runledger.session_watchers w SET seen_at = now()
         FROM unnest($1::uuid[], $2::uuid[]) AS own(session_id, watcher_id)
         WHERE w.session_id = own.session_id AND w.watcher_id = own.watcher_id RETURNING w.watcher_id`,
        [arrayOf(asked.map(([, { sessionId }]) => sessionId)), arrayOf(asked.map(([watcher]) => watcher))],
      );
      const kept = new Set(rows.map(({ watcher_id }) => watcher_id));
      for (const [watcher, { displaced }] of asked) {
        if (kept.has(watcher) || !this.seats.has(watcher)) continue;
        this.forget(watcher);
        displaced();
      }
    } catch {
      // Nobody is sent away because the database cannot be asked.
    }
  }

  private forget(watcher: string): void {
    this.seats.delete(watcher);
    if (this.seats.size > 0) return;
    clearInterval(this.beating);
    this.beating = undefined;
  }
}

import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { EventStore, LiveEvents, type RecordedEvent } from '#eventsourcing';
import { ReadModelClock } from '#http';
import { arrayOf } from '#postgres';
import { Database } from '#read-models';
import type { SessionFeed } from './session-feed.js';
import { type FeedListener, SessionTail } from './session-tail.js';
import { runIdOf, sessionIdOf, sessionToldBy, tellsSession } from './timeline-event.js';

/** How long one look for the timeline's progress may take, and the pause before the next, in milliseconds. */
const patience = 5_000;
const pause = 100;

/** What has been stored up to a position, and is not in the feeds yet. */
interface Noted {
  position: bigint;
  readonly sessions: Set<string>;
  /** Runs that may be in a session that is followed: the event does not tell. */
  readonly runs: Set<string>;
}

const nothing = (): Noted => ({ position: 0n, sessions: new Set(), runs: new Set() });

/**
 * Wakes those who follow sessions once the timeline has what was stored: it is waited for once for all
 * of them, and only the feeds that have more are read.
 */
@Injectable()
export class LiveSessions {
  private readonly tails = new Map<string, SessionTail>();
  private noted = nothing();
  private working = false;
  private listening: Promise<unknown> | undefined;

  constructor(
    private readonly events: LiveEvents,
    private readonly store: EventStore,
    private readonly database: Database,
    private readonly clock: ReadModelClock,
  ) {}

  /**
   * Tells the listener what comes to the feed of a session, from now on or a little before.
   * @returns ends the listening
   * @throws StoreUnavailable
   */
  async follow(sessionId: string, feed: SessionFeed, listener: FeedListener): Promise<() => void> {
    await (this.listening ??= this.listen());
    const tail = this.tails.get(sessionId) ?? new SessionTail(feed);
    this.tails.set(sessionId, tail);
    tail.listeners.add(listener);
    const stop = (): void => {
      tail.listeners.delete(listener);
      if (tail.listeners.size === 0 && this.tails.get(sessionId) === tail) this.tails.delete(sessionId);
    };
    try {
      // What was stored before this listened, and is not in the feed yet.
      const head = await this.store.head();
      this.noted.sessions.add(sessionId);
      this.waitFor(head);
      return stop;
    } catch (error) {
      stop();
      throw error;
    }
  }

  private async listen(): Promise<void> {
    try {
      await this.events.followAll((events, _from, position) => {
        if (this.tails.size === 0) return;
        for (const event of events) this.note(event);
        this.waitFor(position);
      });
    } catch (error) {
      this.listening = undefined;
      throw error;
    }
  }

  private note(event: RecordedEvent): void {
    const run = runIdOf(event.stream);
    const session = run === undefined ? sessionIdOf(event.stream) : sessionToldBy(event);
    if (session !== undefined) {
      if (this.tails.has(session) && event.type !== 'SessionRunClaimed') this.noted.sessions.add(session);
    } else if (run !== undefined && !tellsSession(event)) this.noted.runs.add(run);
  }

  private waitFor(position: bigint): void {
    if (position > this.noted.position) this.noted.position = position;
    if (!this.working) void this.work();
  }

  private async work(): Promise<void> {
    this.working = true;
    while (this.noted.sessions.size + this.noted.runs.size > 0) {
      const { position, sessions, runs } = this.noted;
      this.noted = nothing();
      while (this.tails.size > 0 && !(await this.projected(position))) await delay(pause);
      for (const id of new Set([...sessions, ...(await this.sessionsOf(runs))])) this.tails.get(id)?.look();
    }
    this.working = false;
  }

  private async projected(position: bigint): Promise<boolean> {
    try {
      return await this.clock.reached('timeline', position, patience);
    } catch {
      // The database is asked again.
      return false;
    }
  }

  private async sessionsOf(runs: ReadonlySet<string>): Promise<Iterable<string>> {
    if (runs.size === 0 || this.tails.size === 0) return [];
    try {
      const rows = await this.database.prepared<{ session_id: string }>(
        'sessions-of-runs',
        'SELECT DISTINCT session_id FROM timeline.runs WHERE run_id = ANY ($1::uuid[])',
        [arrayOf([...runs])],
      );
      return rows.map(({ session_id }) => session_id);
    } catch {
      return this.tails.keys();
    }
  }
}

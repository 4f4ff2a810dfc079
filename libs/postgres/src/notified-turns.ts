import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Pool } from 'pg';
import { StreamTurns } from '#eventsourcing';
import { Listener } from './listener.js';

const channel = 'stream_turns';
/** The first turn that is asked for, in milliseconds; each one after it is twice as long, for a slow machine may need it. */
const first = 30;
const longest = 1_000;

interface Turn {
  /** Milliseconds since 1970. */
  readonly until: number;
  readonly over: Promise<void>;
}

/** Turns among the processes of one database, by NOTIFY. Who does not hear of one is asked again. */
export class NotifiedTurns extends StreamTurns {
  /** How long the turns are that were asked for, as long as they last. */
  private readonly asked = new Map<string, number>();
  private readonly given = new Map<string, Turn>();
  private readonly self = randomUUID();
  private readonly listener: Listener;

  /** @param pool of the database of the URL */
  constructor(
    url: string,
    private readonly pool: Pick<Pool, 'query'>,
  ) {
    super();
    this.listener = new Listener(url, channel, (payload = '') => {
      const [from, key = '', ms] = payload.split(' ');
      if (from !== this.self && ms !== undefined) this.give(key, Number(ms));
    });
  }

  override ask(stream: string, times: number): void {
    const key = keyOf(stream);
    const ms = Math.min(longest, first * 2 ** (times - 1));
    if ((this.asked.get(key) ?? 0) >= ms) return;
    this.asked.set(key, ms);
    setTimeout(() => {
      if (this.asked.get(key) === ms) this.asked.delete(key);
    }, ms).unref();
    this.pool
      .query('SELECT pg_notify($1, $2)', [channel, `${this.self} ${key} ${ms}`])
      .catch(() => undefined);
  }

  override ofOthers(stream: string): Promise<void> | undefined {
    return this.given.size === 0 ? undefined : this.given.get(keyOf(stream))?.over;
  }

  async close(): Promise<void> {
    await this.listener.close();
  }

  private give(key: string, ms: number): void {
    const until = Date.now() + Math.min(longest, ms);
    if ((this.given.get(key)?.until ?? 0) >= until) return;
    const over = pause(until - Date.now()).then(() => {
      if (this.given.get(key) === turn) this.given.delete(key);
    });
    const turn: Turn = { until, over };
    this.given.set(key, turn);
  }
}

/** Short, whatever the stream is called. */
const keyOf = (stream: string): string => createHash('sha1').update(stream).digest('base64url');

import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';

/** The first turn that is asked for, in milliseconds; each one after it is twice as long, for a slow machine may need it. */
const first = 30;
const longest = 1_000;

interface Turn {
  /** Milliseconds since 1970. */
  readonly until: number;
  readonly over: Promise<void>;
}

/**
 * Turns of processes that append to the same stream. Who does so without a pause has always stored something before
 * another has read, decided and appended: that one would never be in time. Asked for a turn, it makes a pause.
 */
export class Turns {
  /** How long the turns are that were asked for, as long as they last. */
  private readonly asked = new Map<string, number>();
  private readonly given = new Map<string, Turn>();

  /** @param tell has the other processes give a turn: its key, and its milliseconds behind a space */
  constructor(private readonly tell: (turn: string) => void) {}

  /** @param times how often the same command has asked, this time included */
  ask(stream: string, times: number): void {
    const key = keyOf(stream);
    const ms = Math.min(longest, first * 2 ** (times - 1));
    if ((this.asked.get(key) ?? 0) >= ms) return;
    this.asked.set(key, ms);
    setTimeout(() => {
      if (this.asked.get(key) === ms) this.asked.delete(key);
    }, ms).unref();
    this.tell(`${key} ${ms}`);
  }

  give(key: string, ms: number): void {
    const until = Date.now() + Math.min(longest, ms);
    if ((this.given.get(key)?.until ?? 0) >= until) return;
    const over = pause(until - Date.now()).then(() => {
      if (this.given.get(key) === turn) this.given.delete(key);
    });
    const turn: Turn = { until, over };
    this.given.set(key, turn);
  }

  /** The turn of another process, if there is one now: resolves when it is over. */
  ofOthers(stream: string): Promise<void> | undefined {
    return this.given.size === 0 ? undefined : this.given.get(keyOf(stream))?.over;
  }
}

/** Short, whatever the stream is called. */
const keyOf = (stream: string): string => createHash('sha1').update(stream).digest('base64url');

import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { Listener } from '#postgres';

const channel = 'eventstore';
/** Other processes hear of appends at most this often, in milliseconds. */
const notifyEvery = 5;
/** Subscribers look for themselves this often, in milliseconds, should a notification be lost. */
const pollEvery = 1_000;

/**
 * Wakes subscribers when something was appended: at once within this process, by LISTEN/NOTIFY
 * across processes, and by looking every second whatever happens.
 */
export class Waker {
  private waiting = new Set<() => void>();
  private count = 0;
  private notifying: NodeJS.Timeout | undefined;
  private listener: Listener | undefined;
  private closed = false;
  private readonly self = randomUUID();

  /** @param othersAppended called when another process appended, or may have */
  constructor(
    private readonly url: string,
    private readonly pool: Pool,
    private readonly othersAppended: () => void,
  ) {}

  /** A mark to be given to `wait`: what is appended after it is not missed. */
  mark(): number {
    return this.count;
  }

  /** Something was appended by this process. */
  appended(): void {
    this.wake();
    this.notifying ??= setTimeout(() => {
      this.notifying = undefined;
      this.pool.query('SELECT pg_notify($1, $2)', [channel, this.self]).catch(() => {
        // The others will look for themselves.
      });
    }, notifyEvery);
  }

  /** Resolves when anything was appended since the mark, at the latest after a second or when aborted. */
  wait(mark: number, signal: AbortSignal): Promise<void> {
    if (this.count !== mark || signal.aborted || this.closed) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        this.waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(() => {
        this.othersAppended();
        done();
      }, pollEvery);
      signal.addEventListener('abort', done);
      this.waiting.add(done);
      this.listener ??= new Listener(this.url, channel, (from) => {
        if (from !== this.self) this.heard();
      });
    });
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.notifying);
    this.wake();
    await this.listener?.close();
  }

  private heard(): void {
    this.othersAppended();
    this.wake();
  }

  private wake(): void {
    this.count++;
    for (const done of [...this.waiting]) done();
  }
}

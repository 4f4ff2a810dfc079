import { randomUUID } from 'node:crypto';
import { Client, type Pool } from 'pg';

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
  private listener: Client | undefined;
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
      if (this.listener === undefined) void this.listen();
    });
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.notifying);
    this.wake();
    await this.listener?.end().catch(() => undefined);
  }

  private heard(): void {
    this.othersAppended();
    this.wake();
  }

  private wake(): void {
    this.count++;
    for (const done of [...this.waiting]) done();
  }

  private async listen(): Promise<void> {
    const listener = new Client({ connectionString: this.url, application_name: 'runledger listener' });
    this.listener = listener;
    const lost = (): void => {
      if (this.listener === listener) this.listener = undefined;
    };
    listener.on('error', lost);
    listener.on('end', lost);
    listener.on('notification', ({ payload }) => {
      if (payload !== this.self) this.heard();
    });
    try {
      await listener.connect();
      await listener.query(`LISTEN ${channel}`);
      // What was appended before the LISTEN is not announced.
      this.heard();
    } catch {
      lost();
    }
  }
}

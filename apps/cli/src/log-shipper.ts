import { setTimeout as delay } from 'node:timers/promises';

export interface LogEntry {
  /** RFC 3339 UTC with milliseconds. */
  readonly ts: string;
  readonly stream: 'stdout' | 'stderr';
  readonly message: string;
}

export interface ShipperOptions {
  /** Stores one batch; `sequence` counts batches from 0. It is called again only after it has returned. */
  readonly send: (entries: readonly LogEntry[], sequence: number) => Promise<void>;
  /** How long a batch waits for more, in milliseconds. */
  readonly waitMilliseconds?: number;
  readonly maxEntries?: number;
  /** Messages of one batch in bytes; a single longer message still goes. */
  readonly maxBytes?: number;
  /** Bytes that may wait to be sent before `add` makes its caller wait. */
  readonly maxBufferedBytes?: number;
}

/** What an entry costs beside its message, so that many empty lines are bounded too. */
const overhead = 100;

/**
 * Sends log entries in batches, one batch at a time and in order, while more are added. Once a
 * batch has failed for good, entries are dropped and `finish` throws what `send` threw.
 */
export class LogShipper {
  private readonly options: Required<ShipperOptions>;
  private readonly queue: LogEntry[] = [];
  private queuedBytes = 0;
  private sequence = 0;
  private readonly finished = new AbortController();
  private failure: { readonly error: unknown } | undefined;
  private readonly wake = new Waiters();
  private readonly room = new Waiters();
  private readonly loop: Promise<void>;

  constructor(options: ShipperOptions) {
    this.options = {
      waitMilliseconds: 100,
      maxEntries: 1000,
      maxBytes: 1024 * 1024,
      maxBufferedBytes: 4 * 1024 * 1024,
      ...options,
    };
    this.loop = this.ship();
  }

  /** Resolves when there is room for more: the caller must not read on before. */
  async add(entries: readonly LogEntry[]): Promise<void> {
    if (this.failure !== undefined || entries.length === 0) return;
    for (const entry of entries) {
      this.queue.push(entry);
      this.queuedBytes += cost(entry);
    }
    this.wake.all();
    while (this.queuedBytes > this.options.maxBufferedBytes) await this.room.wait();
  }

  /** Resolves when everything has been stored. @throws what `send` threw */
  async finish(): Promise<void> {
    this.finished.abort();
    this.wake.all();
    await this.loop;
    if (this.failure !== undefined) throw this.failure.error;
  }

  private async ship(): Promise<void> {
    const { send, maxBufferedBytes } = this.options;
    try {
      for (;;) {
        while (this.queue.length === 0) {
          if (this.finished.signal.aborted) return;
          await this.wake.wait();
        }
        await this.fill();
        const batch = this.nextBatch();
        await send(batch, this.sequence++);
        this.queuedBytes -= batch.reduce((sum, entry) => sum + cost(entry), 0);
        if (this.queuedBytes <= maxBufferedBytes) this.room.all();
      }
    } catch (error) {
      this.failure = { error };
      this.queue.length = 0;
      this.queuedBytes = 0;
      this.room.all();
    }
  }

  /** Lets a batch gather until it is full, its time is over, or nothing more will come. */
  private async fill(): Promise<void> {
    const { waitMilliseconds, maxEntries, maxBytes } = this.options;
    const over = new AbortController();
    const time = delay(waitMilliseconds, undefined, {
      signal: AbortSignal.any([over.signal, this.finished.signal]),
    })
      .catch(() => undefined)
      .finally(() => {
        over.abort();
      });
    while (!over.signal.aborted && this.queue.length < maxEntries && this.queuedBytes < maxBytes) {
      await Promise.race([time, this.wake.wait()]);
    }
    over.abort();
  }

  private nextBatch(): LogEntry[] {
    const { maxEntries, maxBytes } = this.options;
    let bytes = 0;
    const end = this.queue.findIndex(
      (entry, n) => n === maxEntries || ((bytes += cost(entry)) > maxBytes && n > 0),
    );
    return this.queue.splice(0, end === -1 ? this.queue.length : end);
  }
}

const cost = (entry: LogEntry): number => Buffer.byteLength(entry.message) + overhead;

/** Those who wait for something to happen once. */
class Waiters {
  private waiting: (() => void)[] = [];

  wait(): Promise<void> {
    return new Promise((resolve) => {
      this.waiting.push(resolve);
    });
  }

  all(): void {
    const woken = this.waiting;
    this.waiting = [];
    for (const resolve of woken) resolve();
  }
}

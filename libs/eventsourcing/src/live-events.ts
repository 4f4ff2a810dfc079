import type { RecordedEvent } from './event.js';
import type { Batch, EventStore } from './event-store.js';
import { Upcasters } from './upcasting.js';

/** Told of what was stored after the position `from` and up to `to`, in order. */
export type BatchListener = (events: readonly RecordedEvent[], from: bigint, to: bigint) => void;
/** Told of new events of one stream, in order. */
export type StreamListener = (events: readonly RecordedEvent[]) => void;

const retryMs = 200;

/**
 * What is being stored, by any process, from one subscription for a whole process: however many listen, the
 * store is read once. Listeners must be quick and must not throw.
 */
export class LiveEvents {
  private readonly streams = new Map<string, Set<StreamListener>>();
  private readonly all = new Set<BatchListener>();
  private readonly closing = new AbortController();
  private started: Promise<void> | undefined;
  private position = 0n;

  constructor(
    private readonly store: EventStore,
    private readonly upcasters = new Upcasters(),
  ) {}

  /**
   * Listens to one stream. What is stored after this resolves is told, and perhaps some that was stored before.
   * @returns ends the listening
   * @throws StoreUnavailable
   */
  async follow(stream: string, listener: StreamListener): Promise<() => void> {
    const listeners = this.streams.get(stream) ?? new Set();
    this.streams.set(stream, listeners.add(listener));
    const stop = (): void => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.streams.get(stream) === listeners) this.streams.delete(stream);
    };
    return this.ready(stop);
  }

  /** The same for everything that is stored. */
  followAll(listener: BatchListener): Promise<() => void> {
    this.all.add(listener);
    return this.ready(() => this.all.delete(listener));
  }

  /** Ends the subscription; nobody is told of anything any more. */
  async close(): Promise<void> {
    this.closing.abort();
    this.streams.clear();
    this.all.clear();
    await this.started?.catch(() => undefined);
  }

  private async ready(stop: () => void): Promise<() => void> {
    try {
      await (this.started ??= this.start());
      return stop;
    } catch (error) {
      this.started = undefined;
      stop();
      throw error;
    }
  }

  private async start(): Promise<void> {
    this.position = await this.store.head();
    void this.run();
  }

  private async run(): Promise<void> {
    const { signal } = this.closing;
    while (!signal.aborted) {
      try {
        for await (const batch of this.store.subscribeAll({ after: this.position, signal })) this.tell(batch);
      } catch {
        // The store is tried again from where this has come to.
        await new Promise((resolve) => setTimeout(resolve, retryMs));
      }
    }
  }

  private tell({ events, position }: Batch): void {
    const from = this.position;
    this.position = position;
    if (events.length === 0) return;
    const current = events.map((event) => this.upcasters.upcast(event));
    for (const listener of this.all) listener(current, from, position);
    if (this.streams.size === 0) return;
    for (const [stream, own] of byStream(current)) {
      for (const listener of this.streams.get(stream) ?? []) listener(own);
    }
  }
}

function byStream(events: readonly RecordedEvent[]): Map<string, RecordedEvent[]> {
  const streams = new Map<string, RecordedEvent[]>();
  for (const event of events) {
    const known = streams.get(event.stream);
    if (known === undefined) streams.set(event.stream, [event]);
    else known.push(event);
  }
  return streams;
}

import {
  type AppendResult,
  type Batch,
  EventStore,
  type ExpectedRevision,
  type NewEvent,
  type ReadAllBackwardsOptions,
  type ReadAllOptions,
  type ReadStreamOptions,
  type RecordedEvent,
  type SubscribeAllOptions,
  type SubscribeStreamOptions,
} from '#eventsourcing';
import { AppendQueues } from './append-queues.js';
import { Clients } from './clients.js';
import { mapped } from './errors.js';
import { ofLeader } from './events.js';
import { head, readAll, readAllBackwards, readStream } from './reading.js';
import { subscribeAll, subscribeStream } from './sources.js';
import { truncateBefore } from './truncating.js';

const truncatedAtOnce = 16;

/** The event store port on KurrentDB, or EventStoreDB, 23.10 and later. See docs/decisions/kurrent.md. */
export class KurrentEventStore extends EventStore {
  private readonly clients: Clients;
  private readonly closing = new AbortController();
  private readonly appends: AppendQueues;

  /**
   * @param connectionString `kurrentdb://`, `kurrentdb+discover://` or `esdb://`, with one or more hosts
   * @throws Error when it cannot be parsed; nothing is connected before the first call
   */
  constructor(connectionString: string) {
    super();
    this.clients = new Clients(connectionString);
    this.appends = new AppendQueues(this.clients);
  }

  append(stream: string, expected: ExpectedRevision, events: readonly NewEvent[]): Promise<AppendResult> {
    return this.appends.append(stream, expected, events);
  }

  readStream(stream: string, options?: ReadStreamOptions): AsyncIterable<RecordedEvent> {
    return readStream(this.clients, stream, options);
  }

  readAll(options?: ReadAllOptions): AsyncIterable<RecordedEvent> {
    return readAll(this.clients, options);
  }

  readAllBackwards(options?: ReadAllBackwardsOptions): AsyncIterable<RecordedEvent> {
    return readAllBackwards(this.clients, options);
  }

  subscribeAll(options: SubscribeAllOptions): AsyncIterable<Batch> {
    return subscribeAll(this.clients, { ...options, signal: this.until(options.signal) });
  }

  subscribeStream(stream: string, options: SubscribeStreamOptions): AsyncIterable<Batch> {
    return subscribeStream(this.clients, stream, { ...options, signal: this.until(options.signal) });
  }

  head(): Promise<bigint> {
    return head(this.clients);
  }

  /** @throws StoreUnavailable */
  async truncateAllBefore(revisions: ReadonlyMap<string, number>): Promise<void> {
    const left = revisions.entries();
    const worker = async (): Promise<void> => {
      for (const [stream, revision] of left) await truncateBefore(this.clients, stream, revision);
    };
    await Promise.all(Array.from({ length: truncatedAtOnce }, worker));
  }

  /** @throws StoreUnavailable */
  async delete(stream: string): Promise<void> {
    for await (const _ of readStream(this.clients, stream, { direction: 'backwards', limit: 1 })) {
      try {
        await this.clients.writer.deleteStream(stream, ofLeader);
      } catch (error) {
        throw mapped(error);
      }
    }
  }

  /** Scavenging is the server's own affair, and its operator's. */
  async reclaim(): Promise<void> {
    // Nothing that a client could ask for.
  }

  /** Ends all subscriptions, waits for the appends in flight, and lets go of the connections. */
  async close(): Promise<void> {
    this.closing.abort();
    await this.appends.idle();
    await this.clients.writer.dispose();
  }

  private until(signal: AbortSignal): AbortSignal {
    return AbortSignal.any([signal, this.closing.signal]);
  }
}

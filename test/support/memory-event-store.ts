import { EventEmitter, on } from 'node:events';
import { setImmediate as answered } from 'node:timers/promises';
import {
  type AppendResult,
  type Batch,
  EventStore,
  type ExpectedRevision,
  Fallen,
  type NewEvent,
  type ReadAllBackwardsOptions,
  type ReadAllOptions,
  type ReadStreamOptions,
  type RecordedEvent,
  RevisionConflict,
  type SubscribeAllOptions,
  type SubscribeStreamOptions,
} from '#eventsourcing';

/** An event store in memory, for specs of what stands on one; positions count from 1. */
export class MemoryEventStore extends EventStore {
  readonly events: RecordedEvent[] = [];
  private readonly appended = new EventEmitter().setMaxListeners(0);
  private readonly fallen = new Fallen();
  private underWay: Promise<unknown> = Promise.resolve();

  /** @param largestBatch at most this many events in one batch of a subscription, whatever it asks for */
  constructor(private readonly largestBatch = 1_000) {
    super();
  }

  append(stream: string, expected: ExpectedRevision, events: readonly NewEvent[]): Promise<AppendResult> {
    const stored = this.underWay.then(() =>
      this.fallen.append(stream, expected, events.length, () => this.store(stream, expected, events)),
    );
    this.underWay = stored.catch(() => undefined);
    return stored;
  }

  private store(
    stream: string,
    expected: ExpectedRevision,
    events: readonly NewEvent[],
  ): Promise<AppendResult> {
    const own = this.events.filter((event) => event.stream === stream);
    const last = own.length - 1;
    const again = own.find(({ id }) => id === events.at(-1)?.id);
    if (again !== undefined) return Promise.resolve(again);
    const holds = { none: last === -1, exists: last >= 0, any: true };
    if (typeof expected === 'number' ? expected !== last : !holds[expected]) {
      return Promise.reject(new RevisionConflict(stream, expected));
    }
    for (const [n, event] of events.entries()) {
      const position = BigInt(this.events.length + 1);
      this.events.push({ ...structuredClone(event), stream, revision: last + 1 + n, position });
    }
    this.appended.emit('append');
    return Promise.resolve({ revision: last + events.length, position: BigInt(this.events.length) });
  }

  async *readStream(stream: string, options: ReadStreamOptions = {}): AsyncIterable<RecordedEvent> {
    const { direction = 'forwards', from, limit = Infinity } = options;
    const own = this.events.filter((event) => event.stream === stream);
    const wanted =
      direction === 'forwards'
        ? own.slice(from ?? 0)
        : own.slice(0, from === undefined ? undefined : from + 1).reverse();
    // As from a store elsewhere: by then, whoever had to hear that an append fell has heard of it.
    yield* await answered(wanted.slice(0, limit));
  }

  async *readAll({ after = 0n, prefixes = [''], limit = Infinity }: ReadAllOptions = {}) {
    const wanted = this.events.filter(
      ({ position, stream }) => position > after && prefixes.some((prefix) => stream.startsWith(prefix)),
    );
    yield* await Promise.resolve(wanted.slice(0, limit));
  }

  async *readAllBackwards({ before, prefixes = [''], limit = Infinity }: ReadAllBackwardsOptions = {}) {
    const wanted = this.events.filter(
      ({ position, stream }) =>
        (before === undefined || position < before) && prefixes.some((prefix) => stream.startsWith(prefix)),
    );
    yield* await Promise.resolve(wanted.reverse().slice(0, limit));
  }

  async *subscribeAll(options: SubscribeAllOptions): AsyncIterable<Batch> {
    const { after = 0n, prefixes = [''], batchSize = 1_000, signal } = options;
    let position = after;
    const news = on(this.appended, 'append', { signal });
    try {
      while (!signal.aborted) {
        const size = Math.min(batchSize, this.largestBatch);
        const events = this.events.slice(Number(position), Number(position) + size);
        position = events.at(-1)?.position ?? position;
        const wanted = events.filter(({ stream }) => prefixes.some((prefix) => stream.startsWith(prefix)));
        yield { events: wanted, position, caughtUp: Number(position) === this.events.length };
        if (Number(position) === this.events.length) await news.next();
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  subscribeStream(stream: string, { signal }: SubscribeStreamOptions): AsyncIterable<Batch> {
    return this.subscribeAll({ prefixes: [stream], signal });
  }

  head(): Promise<bigint> {
    return Promise.resolve(BigInt(this.events.length));
  }

  truncateAllBefore(): Promise<void> {
    return Promise.reject(new Error('this store keeps everything'));
  }

  delete(): Promise<void> {
    return Promise.reject(new Error('this store keeps everything'));
  }

  reclaim(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

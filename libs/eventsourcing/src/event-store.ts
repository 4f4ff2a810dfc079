import { type EventDigest, digested } from './content.js';
import type { NewEvent, RecordedEvent } from './event.js';

/** What the writer believes of the stream: its last revision, or `none` (no events), `exists`, or `any`. */
export type ExpectedRevision = number | 'none' | 'exists' | 'any';

export interface AppendResult {
  /** Revision of the last event of this append. */
  readonly revision: number;
  /** Position of the last event of this append, or of one behind it that was stored by the same write. */
  readonly position: bigint;
}

export interface ReadStreamOptions {
  readonly direction?: 'forwards' | 'backwards';
  /** First revision to read, inclusive; by default the end that the direction starts from. */
  readonly from?: number;
  /** At most this many events; by default all. */
  readonly limit?: number;
}

export interface ReadAllOptions {
  /** Only events after this position; by default from the first. */
  readonly after?: bigint;
  /** Only streams whose name starts with one of these; by default all. */
  readonly prefixes?: readonly string[];
  readonly limit?: number;
}

export interface ReadAllBackwardsOptions {
  /** Only events before this position, which is that of an event; by default from the last. */
  readonly before?: bigint;
  /** Only streams whose name starts with one of these; by default all. */
  readonly prefixes?: readonly string[];
  readonly limit?: number;
}

export interface SubscribeAllOptions {
  readonly after?: bigint;
  readonly prefixes?: readonly string[];
  /** At most this many events in one batch (default 1,000). */
  readonly batchSize?: number;
  /** Ends the subscription: the iteration returns, it does not throw. */
  readonly signal: AbortSignal;
}

export interface SubscribeStreamOptions {
  /** Only events after this revision; by default from the first. */
  readonly after?: number;
  readonly batchSize?: number;
  readonly signal: AbortSignal;
}

/**
 * What a subscription yields. `events` may be empty: the batch then only moves
 * the checkpoint, or says that the subscriber has caught up.
 */
export interface Batch {
  readonly events: readonly RecordedEvent[];
  /** Everything that the subscription selects up to here has been yielded: resume after this. */
  readonly position: bigint;
  /** True when nothing more was stored when this batch was read. */
  readonly caughtUp: boolean;
}

/** The stream is not at the revision that the writer expected. */
export class RevisionConflict extends Error {
  override readonly name = 'RevisionConflict';
  constructor(
    readonly stream: string,
    readonly expected: ExpectedRevision,
  ) {
    super(`stream ${stream} is not at revision ${expected}`);
  }
}

/** The store takes no append of that size; nothing of it was stored. */
export class AppendTooLarge extends Error {
  override readonly name = 'AppendTooLarge';
  /** @param limit of one append, in bytes, if the store tells it */
  constructor(
    readonly limit: number | undefined,
    options?: ErrorOptions,
  ) {
    super(
      `the event store takes ${limit === undefined ? 'less' : `at most ${limit} bytes`} in one append`,
      options,
    );
  }
}

/** The store cannot be reached; an append that fails so may or may not have been stored. */
export class StoreUnavailable extends Error {
  override readonly name: string = 'StoreUnavailable';
}

/** What is asked of a read model will be there once it has been built from the events. */
export class NotBuiltYet extends StoreUnavailable {
  override readonly name = 'NotBuiltYet';
}

/**
 * The event store port. Ordered, total, durable: an acknowledged append survives
 * `kill -9`. Every adapter passes `eventStoreContract`.
 */
export abstract class EventStore {
  /**
   * Appends all events or none. Appending the same event ids again is a no-op that answers
   * as the first time. Appends called one after the other on one stream by one process may
   * be in flight together: they are stored in the order of the calls. One that expects the revision which
   * another would have left falls with that, whatever the stream has come to.
   * @throws RevisionConflict, AppendTooLarge, StoreUnavailable
   */
  abstract append(
    stream: string,
    expected: ExpectedRevision,
    events: readonly NewEvent[],
  ): Promise<AppendResult>;

  /** Reads one stream page by page; a stream that does not exist, or was deleted, is empty. @throws StoreUnavailable */
  abstract readStream(stream: string, options?: ReadStreamOptions): AsyncIterable<RecordedEvent>;

  /** Reads the global order forwards, up to what is stored when the reading gets there. @throws StoreUnavailable */
  abstract readAll(options?: ReadAllOptions): AsyncIterable<RecordedEvent>;

  /** Reads the global order backwards, from what is stored when the reading begins. @throws StoreUnavailable */
  abstract readAllBackwards(options?: ReadAllBackwardsOptions): AsyncIterable<RecordedEvent>;

  /** Reads forwards, of each event's content only the digest: made where the event lies, if the store can. @throws StoreUnavailable */
  async *readDigests(options?: ReadAllOptions): AsyncGenerator<EventDigest> {
    for await (const event of this.readAll(options)) yield digested(event);
  }

  /**
   * Catches up, then stays live. No event is skipped or repeated, whatever happens to the
   * connection: the adapter reconnects by itself. Pulls only as fast as it is iterated.
   */
  abstract subscribeAll(options: SubscribeAllOptions): AsyncIterable<Batch>;

  /** The same for one stream; positions are still global ones. */
  abstract subscribeStream(stream: string, options: SubscribeStreamOptions): AsyncIterable<Batch>;

  /** Position of the last event in the store, 0 when it is empty. @throws StoreUnavailable */
  abstract head(): Promise<bigint>;

  /** Removes the events of a stream before a revision; the rest keeps its numbers. @throws StoreUnavailable */
  truncateBefore(stream: string, revision: number): Promise<void> {
    return this.truncateAllBefore(new Map([[stream, revision]]));
  }

  /**
   * The same for many streams, each with its revision. Not all or none: what fails half way is done again
   * from the start. Appends do not wait for it. @throws StoreUnavailable
   */
  abstract truncateAllBefore(revisions: ReadonlyMap<string, number>): Promise<void>;

  /** Removes all events of a stream. It may be written again (`none` holds), and goes on numbering where it was. */
  abstract delete(stream: string): Promise<void>;

  /**
   * Gives back to the disk what removed events took, as far as that can be done while others write; does
   * nothing where there is little to gain, or where the store itself is told when to.
   * @param removed about how many events were @throws StoreUnavailable
   */
  abstract reclaim(removed: number): Promise<void>;

  abstract close(): Promise<void>;
}

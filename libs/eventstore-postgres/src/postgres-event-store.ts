import { setTimeout } from 'node:timers/promises';
import type { Pool } from 'pg';
import type {
  AppendResult,
  Batch,
  EventDigest,
  ExpectedRevision,
  NewEvent,
  ReadAllBackwardsOptions,
  ReadAllOptions,
  ReadStreamOptions,
  RecordedEvent,
  SubscribeAllOptions,
  SubscribeStreamOptions,
} from '#eventsourcing';
import { EventStore, StoreUnavailable } from '#eventsourcing';
import { openPool, vacuumWhenMuchIsDead } from '#postgres';
import { GroupCommit } from './group-commit.js';
import type { Page } from './reading.js';
import {
  firstPage,
  nextLimit,
  paged,
  readAllPage,
  readAllPageBefore,
  readDigestPage,
  readStreamPage,
  targetSize,
} from './reading.js';
import { RecentEvents } from './recent-events.js';
import { truncateAllBefore } from './truncating.js';
import { Waker } from './waker.js';

/** Their content may be large, and is hashed before the first is answered. */
const digestsAtOnce = 500;
const retryEvery = 200;
/** The largest bigint of Postgres: no event has come that far. */
const behindAll = 2n ** 63n - 1n;

/** The event store on Postgres: one table, group commit, positions in commit order. */
export class PostgresEventStore extends EventStore {
  private readonly pool: Pool;
  private readonly writer: Pool;
  private readonly commits: GroupCommit;
  private readonly waker: Waker;
  private readonly recent = new RecentEvents();
  private readonly closing = new AbortController();

  constructor(url: string) {
    super();
    this.pool = openPool(url, 'events', 8);
    this.writer = openPool(url, 'appends', 1, { pipeline: true });
    this.waker = new Waker(url, this.pool, () => {
      this.recent.forget();
    });
    this.commits = new GroupCommit(this.writer, this.recent, () => {
      this.waker.appended();
    });
  }

  append(stream: string, expected: ExpectedRevision, events: readonly NewEvent[]): Promise<AppendResult> {
    return this.commits.append(stream, expected, events);
  }

  readStream(stream: string, options: ReadStreamOptions = {}): AsyncGenerator<RecordedEvent> {
    const { direction = 'forwards', from, limit } = options;
    const step = direction === 'forwards' ? 1 : -1;
    return paged(limit, (size, last) =>
      readStreamPage(this.pool, stream, direction, last === undefined ? from : last.revision + step, size),
    );
  }

  readAll({ after = 0n, prefixes = [], limit }: ReadAllOptions = {}): AsyncGenerator<RecordedEvent> {
    return paged(limit, (size, last) => readAllPage(this.pool, last?.position ?? after, prefixes, size));
  }

  readAllBackwards(options: ReadAllBackwardsOptions = {}): AsyncGenerator<RecordedEvent> {
    const { before = behindAll, prefixes = [], limit } = options;
    return paged(limit, (size, last) =>
      readAllPageBefore(this.pool, last?.position ?? before, prefixes, size),
    );
  }

  override async *readDigests(options: ReadAllOptions = {}): AsyncGenerator<EventDigest> {
    let left = options.limit ?? Infinity;
    let after = options.after ?? 0n;
    while (left > 0) {
      const limit = Math.min(left, digestsAtOnce);
      const page = await readDigestPage(this.pool, after, options.prefixes ?? [], limit);
      yield* page;
      const last = page.at(-1);
      if (last === undefined || page.length < limit) return;
      left -= page.length;
      after = last.position;
    }
  }

  subscribeAll(options: SubscribeAllOptions): AsyncGenerator<Batch> {
    const { prefixes = [] } = options;
    return this.follow(
      options,
      options.after ?? 0n,
      async (position, limit) =>
        this.recent.after(position, prefixes, limit, targetSize) ??
        readAllPage(this.pool, position, prefixes, limit),
    );
  }

  subscribeStream(stream: string, options: SubscribeStreamOptions): AsyncGenerator<Batch> {
    let revision = options.after ?? -1;
    return this.follow(options, 0n, async (_position, limit) => {
      const page = await readStreamPage(this.pool, stream, 'forwards', revision + 1, limit);
      revision = page.events.at(-1)?.revision ?? revision;
      return page;
    });
  }

  async head(): Promise<bigint> {
    return (await readAllPage(this.pool, 0n, [], 0)).head;
  }

  async truncateAllBefore(revisions: ReadonlyMap<string, number>): Promise<void> {
    this.recent.forget();
    await truncateAllBefore(this.pool, revisions);
  }

  async delete(stream: string): Promise<void> {
    await this.truncateBefore(stream, Number.MAX_SAFE_INTEGER);
  }

  async reclaim(removed: number): Promise<void> {
    await vacuumWhenMuchIsDead(this.pool, ['eventstore.events'], removed);
  }

  async close(): Promise<void> {
    this.closing.abort();
    await this.waker.close();
    await Promise.all([this.pool.end(), this.writer.end()]);
  }

  /** Yields page after page, then waits for more; what goes wrong with the connection is tried again. */
  private async *follow(
    options: { readonly batchSize?: number; readonly signal: AbortSignal },
    after: bigint,
    read: (position: bigint, limit: number) => Promise<Page>,
  ): AsyncGenerator<Batch> {
    const signal = AbortSignal.any([options.signal, this.closing.signal]);
    const most = options.batchSize ?? 1_000;
    let position = after;
    let limit = Math.min(most, firstPage);
    let told = false;
    while (!signal.aborted) {
      const mark = this.waker.mark();
      let page: Page;
      try {
        page = await read(position, limit);
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
        await setTimeout(retryEvery, undefined, { signal }).catch(() => undefined);
        continue;
      }
      const caughtUp = !page.full;
      const checkpoint = checkpointOf(page, position, caughtUp);
      if (checkpoint > position || page.events.length > 0 || (caughtUp && !told)) {
        position = checkpoint;
        told = caughtUp;
        yield { events: page.events, position, caughtUp };
      }
      limit = nextLimit(limit, page, most);
      if (caughtUp) await this.waker.wait(mark, signal);
    }
  }
}

/** A full page says nothing of what is behind it; one that is not full has seen everything up to the head. */
function checkpointOf(page: Page, position: bigint, caughtUp: boolean): bigint {
  const last = page.events.at(-1)?.position ?? position;
  return caughtUp && page.head > last ? page.head : last;
}

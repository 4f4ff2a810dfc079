import type { Pool, PoolClient } from 'pg';
import type { AppendResult, ExpectedRevision, NewEvent } from '#eventsourcing';
import { Fallen, revisionAfter, RevisionConflict, StoreUnavailable } from '#eventsourcing';
import { longestWait, unavailable } from '#postgres';
import {
  type Batch,
  batchOf,
  type Group,
  type PendingAppend,
  storeBatch,
  type StoredBatch,
} from './append-batch.js';
import type { RecentEvents } from './recent-events.js';

/** So much is sent behind a commit that is on its way; less is cheaper with what comes until that is stored. */
const aheadBytes = 512 * 1024;
const mostUnderWay = 2;

/**
 * Appends that arrive while a commit is on its way are committed together by the next one: one statement, one
 * transaction, one flush to disk for all of them. Many bytes do not wait for its end: the database has them
 * before it is done with those before.
 */
export class GroupCommit {
  private queue: PendingAppend[] = [];
  private queuedBytes = 0;
  /** Those who commit what is queued, and how many of them wait for the database. */
  private drains = 0;
  private underWay = 0;
  /** When what is under way was sent, or last answered; milliseconds since 1970. */
  private movedAt = 0;
  /** Resolves when the outcome of the last commit that was sent has been told. */
  private last = Promise.resolve();
  private client: Promise<PoolClient> | undefined;
  /** The streams of what is under way: what follows there must know how that has ended. */
  private readonly busy = new Set<string>();
  private readonly fallen = new Fallen();

  /** @param pool a pool of one connection that pipelines, so that batches are stored in the order of the calls. */
  constructor(
    private readonly pool: Pool,
    private readonly recent: RecentEvents,
    private readonly committed: () => void,
  ) {}

  append(stream: string, expected: ExpectedRevision, events: readonly NewEvent[]): Promise<AppendResult> {
    // What has been sent has to wait for its outcome, but nothing more behind it.
    if (this.underWay > 0 && Date.now() - this.movedAt > longestWait)
      return Promise.reject(new StoreUnavailable('the database does not answer'));
    if (this.fallen.has(stream, expected)) {
      const last = this.queue.findLast((queued) => queued.stream === stream);
      if (last === undefined || leaves(last) !== expected) {
        this.fallen.add(stream, expected, events.length);
        return Promise.reject(new RevisionConflict(stream, expected));
      }
    }
    return new Promise((resolve, reject) => {
      const encoded = events.map((event) => ({
        event,
        data: JSON.stringify(event.data),
        metadata: JSON.stringify(event.metadata),
      }));
      const bytes = encoded.reduce((sum, { data }) => sum + data.length, 0);
      this.queue.push({ stream, expected, encoded, bytes, alone: false, resolve, reject });
      this.queuedBytes += bytes;
      if (this.drains === 0 || (this.drains < mostUnderWay && this.due())) void this.drain();
    });
  }

  private async drain(): Promise<void> {
    this.drains++;
    // Whatever else this turn of the event loop brings goes into the same commit.
    await new Promise(setImmediate);
    while (this.due()) await this.store(this.take());
    this.drains--;
  }

  /** Whether to send what is queued now. What is tried again must know how all before it have ended. */
  private due(): boolean {
    const [first] = this.queue;
    if (first === undefined || this.underWay === 0) return first !== undefined;
    return this.queuedBytes >= aheadBytes && !first.alone && !this.busy.has(first.stream);
  }

  private take(): Batch {
    const batch = batchOf(this.queue, this.busy);
    const taken = batch.flat();
    this.queue = this.queue.slice(taken.length);
    this.queuedBytes -= taken.reduce((sum, { bytes }) => sum + bytes, 0);
    return batch;
  }

  /** Outcomes are told in the order of the commits: who is tried again must be known to those behind it. */
  private store(batch: Batch): Promise<void> {
    if (this.underWay++ === 0) this.movedAt = Date.now();
    for (const [{ stream }] of batch) this.busy.add(stream);
    return (this.last = this.settle(batch, this.send(batch), this.last));
  }

  private async settle(batch: Batch, sending: Promise<StoredBatch>, before: Promise<void>): Promise<void> {
    const [sent] = await Promise.allSettled([sending, before]);
    this.movedAt = Date.now();
    for (const [{ stream }] of batch) this.busy.delete(stream);
    if (sent.status === 'fulfilled') this.stored(batch, sent.value);
    else {
      // It may have been stored all the same.
      this.recent.forget();
      this.failed(batch, unavailable(sent.reason));
    }
    if (--this.underWay === 0) await this.release();
  }

  private async send(batch: Batch): Promise<StoredBatch> {
    return storeBatch(await (this.client ??= this.pool.connect()), batch);
  }

  private stored(batch: Batch, stored: StoredBatch): void {
    this.remember(batch, stored);
    batch.forEach((group, g) => {
      this.answer(group, stored.revisions[g] ?? null, stored.positions[g] ?? null);
    });
    this.committed();
  }

  /** Keeps for the subscribers what was stored now, as opposed to refused or stored before. */
  private remember(batch: Batch, { base, revisions, positions }: StoredBatch): void {
    const start = BigInt(base);
    const count = batch.flat().reduce((sum, { encoded }) => sum + encoded.length, 0);
    this.recent.begin(start, start + BigInt(count));
    let position = start;
    batch.forEach((group, g) => {
      const events = group.flatMap(({ encoded }) => encoded);
      const end = position + BigInt(events.length);
      if (positions[g] === String(end)) {
        const before = Number(revisions[g]) - events.length;
        events.forEach((encoded, n) => {
          this.recent.add(position + BigInt(n + 1), before + n + 1, group[0].stream, encoded);
        });
      }
      position = end;
    });
  }

  /** Revision and position are those of the group's last event. */
  private answer(group: Group, revision: string | null, position: string | null): void {
    if (revision === null || position === null) {
      const [first] = group;
      if (group.length > 1) this.again(group);
      else this.fall(first, new RevisionConflict(first.stream, first.expected));
      return;
    }
    let behind = 0;
    for (const append of group.toReversed()) {
      append.resolve({ revision: Number(revision) - behind, position: BigInt(position) - BigInt(behind) });
      behind += append.encoded.length;
    }
  }

  /** One append that the database cannot take must not fail those it was joined with. */
  private failed(batch: Batch, error: unknown): void {
    const appends = batch.flat();
    if (appends.length > 1 && !(error instanceof StoreUnavailable)) this.again(appends);
    else for (const append of appends) this.fall(append, error);
  }

  /** What waits, and was decided on the state that the append would have left, falls with it. */
  private fall(append: PendingAppend, error: unknown): void {
    const { stream, expected, encoded } = append;
    append.reject(error);
    this.fallen.add(stream, expected, encoded.length);
    const left = leaves(append);
    const behind = this.queue.filter((queued) => queued.stream === stream);
    const other = behind.findIndex((queued) => left !== undefined && leaves(queued) === left);
    const followers = behind
      .slice(0, other === -1 ? undefined : other)
      .filter((queued) => queued.expected === left);
    this.queue = this.queue.filter((queued) => !followers.includes(queued));
    this.queuedBytes -= followers.reduce((sum, { bytes }) => sum + bytes, 0);
    for (const follower of followers) this.fall(follower, new RevisionConflict(stream, follower.expected));
  }

  /** Before all that was not sent yet, and behind what is tried again already. */
  private again(appends: readonly PendingAppend[]): void {
    const sent = this.queue.filter(({ alone }) => alone).length;
    for (const append of appends) {
      append.alone = true;
      this.queuedBytes += append.bytes;
    }
    this.queue.splice(sent, 0, ...appends);
  }

  private async release(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    (await client?.catch(() => undefined))?.release();
  }
}

const leaves = ({ expected, encoded }: PendingAppend): number | undefined =>
  revisionAfter(expected, encoded.length);

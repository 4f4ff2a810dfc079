import type { Pool, PoolClient } from 'pg';
import type { AppendResult, ExpectedRevision, NewEvent } from '#eventsourcing';
import { RevisionConflict, StoreUnavailable } from '#eventsourcing';
import { arrayOf, jsonLines, unavailable } from '#postgres';
import { isBulk } from './bulk.js';
import type { Encoded, RecentEvents } from './recent-events.js';

interface PendingAppend {
  readonly stream: string;
  readonly expected: ExpectedRevision;
  readonly encoded: readonly Encoded[];
  readonly bytes: number;
  /** Is committed by itself: joined with others, it was refused. */
  alone: boolean;
  resolve(result: AppendResult): void;
  reject(error: unknown): void;
}

interface Stored {
  /** The last position before these appends. */
  readonly base: string;
  /** Of each group's last event; null where it was refused. */
  readonly revisions: (string | null)[];
  readonly positions: (string | null)[];
}

/** Appends to one stream that follow each other, so that the first one's expectation decides for all. */
type Group = [PendingAppend, ...PendingAppend[]];

const maxEvents = 2_000;
const maxBytes = 8 * 1024 * 1024;
/** So much is sent behind a commit that is on its way; less is cheaper with what comes until that is stored. */
const aheadBytes = 512 * 1024;
const mostUnderWay = 2;
const statement =
  'SELECT base, revisions, positions FROM eventstore.append($1, $2, $3, $4, $5, $6, $7, $8, $9)';
const numbers = { any: -2, none: -1, exists: -4 } as const;
const number = (expected: ExpectedRevision): number =>
  typeof expected === 'number' ? expected : numbers[expected];

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
  /** Resolves when the outcome of the last commit that was sent has been told. */
  private last = Promise.resolve();
  private client: Promise<PoolClient> | undefined;

  /** @param pool a pool of one connection that pipelines, so that batches are stored in the order of the calls. */
  constructor(
    private readonly pool: Pool,
    private readonly recent: RecentEvents,
    private readonly committed: () => void,
  ) {}

  append(stream: string, expected: ExpectedRevision, events: readonly NewEvent[]): Promise<AppendResult> {
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
    return this.queuedBytes >= aheadBytes && !first.alone;
  }

  /** Takes appends off the queue until the batch is full or one must wait for the outcome of another. */
  private take(): Group[] {
    const groups = new Map<string, { group: Group; next: number | undefined }>();
    let events = 0;
    let bytes = 0;
    let taken = 0;
    for (const append of this.queue) {
      const known = groups.get(append.stream);
      if (append.alone && taken > 0) break;
      if (known !== undefined && known.next !== append.expected) break;
      const full = events + append.encoded.length > maxEvents || bytes + append.bytes > maxBytes;
      if (taken > 0 && full) break;
      events += append.encoded.length;
      bytes += append.bytes;
      taken++;
      const start = number(append.expected);
      const next = start < -1 ? undefined : start + append.encoded.length;
      if (known === undefined) groups.set(append.stream, { group: [append], next });
      else {
        known.group.push(append);
        known.next = next;
      }
      if (append.alone) break;
    }
    this.queue = this.queue.slice(taken);
    this.queuedBytes -= bytes;
    return [...groups.values()].map(({ group }) => group);
  }

  /** Outcomes are told in the order of the commits: who is tried again must be known to those behind it. */
  private store(groups: readonly Group[]): Promise<void> {
    this.underWay++;
    return (this.last = this.settle(groups, this.send(groups), this.last));
  }

  private async settle(
    groups: readonly Group[],
    sending: Promise<Stored>,
    before: Promise<void>,
  ): Promise<void> {
    const [sent] = await Promise.allSettled([sending, before]);
    if (sent.status === 'fulfilled') this.stored(groups, sent.value);
    else {
      // It may have been stored all the same.
      this.recent.forget();
      this.failed(groups, unavailable(sent.reason));
    }
    if (--this.underWay === 0) await this.release();
  }

  private async send(groups: readonly Group[]): Promise<Stored> {
    const client = await (this.client ??= this.pool.connect());
    const ofAppend: number[] = [];
    const place: number[] = [];
    const ids: string[] = [];
    const types: string[] = [];
    const metadata: string[] = [];
    const data: string[] = [];
    groups.forEach((group, g) => {
      let k = 0;
      for (const append of group) {
        for (const encoded of append.encoded) {
          ofAppend.push(g + 1);
          place.push(++k);
          ids.push(encoded.event.id);
          types.push(encoded.event.type);
          metadata.push(encoded.metadata);
          data.push(encoded.data);
        }
      }
    });
    const { rows } = await client.query<Stored>({
      name: 'append',
      text: statement,
      values: [
        arrayOf(groups.map(([first]) => first.stream)),
        arrayOf(groups.map(([first]) => number(first.expected))),
        ...[ofAppend, place, ids, types].map(arrayOf),
        ...[metadata, data].map(jsonLines),
        arrayOf(data.map(isBulk)),
      ],
    });
    return rows[0] as Stored;
  }

  private stored(groups: readonly Group[], stored: Stored): void {
    this.remember(groups, stored);
    groups.forEach((group, g) => {
      this.answer(group, stored.revisions[g] ?? null, stored.positions[g] ?? null);
    });
    this.committed();
  }

  /** Keeps for the subscribers what was stored now, as opposed to refused or stored before. */
  private remember(groups: readonly Group[], { base, revisions, positions }: Stored): void {
    const start = BigInt(base);
    const count = groups.flat().reduce((sum, { encoded }) => sum + encoded.length, 0);
    this.recent.begin(start, start + BigInt(count));
    let position = start;
    groups.forEach((group, g) => {
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
      if (group.length > 1 || this.isBehindAnother(first)) this.again(group);
      else first.reject(new RevisionConflict(first.stream, first.expected));
      return;
    }
    let behind = 0;
    for (const append of group.toReversed()) {
      append.resolve({ revision: Number(revision) - behind, position: BigInt(position) - BigInt(behind) });
      behind += append.encoded.length;
    }
  }

  /** One append that the database cannot take must not fail those it was joined with. */
  private failed(groups: readonly Group[], error: unknown): void {
    const appends = groups.flat();
    if (appends.length > 1 && !(error instanceof StoreUnavailable)) this.again(appends);
    else for (const append of appends) append.reject(error);
  }

  /** Whether what it was sent behind, in its stream, is tried again. */
  private isBehindAnother({ alone, stream }: PendingAppend): boolean {
    return !alone && this.queue.some((queued) => queued.alone && queued.stream === stream);
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

import { setTimeout as pause } from 'node:timers/promises';
import type { EventStore } from '#eventsourcing';
import type { ReadingMember } from './reading-member.js';

const batchSize = 2_500;
/** A reading of a long history from its first event waits this long for others to join, in milliseconds. */
const gatherMs = 500;
/** In positions: events in Postgres, bytes in KurrentDB. */
const longHistory = 2_000n;

/** Whether to read all that is stored takes more than a moment. @throws StoreUnavailable */
export const isLong = async (store: EventStore): Promise<boolean> => (await store.head()) > longHistory;

/**
 * How long those who wait for more bear one who has not yet taken what it was given, in milliseconds: in the
 * middle of a long history, and at its end.
 */
const patience = { catchingUp: 1_000, caughtUp: 20 };

/** One subscription to the store, and those it feeds. */
export class Reading {
  private readonly members = new Set<ReadingMember>();
  /** Those who want streams that were not asked for yet. */
  private readonly joining = new Set<ReadingMember>();
  private prefixes: readonly string[] = [];
  private begun = false;
  private caughtUp = false;
  /** Its place among those that have caught up; Infinity before. */
  private rank = Infinity;
  private ended = false;
  /** The store gives no more: it is closed. */
  closed = false;
  private subscription = new AbortController();
  private changed = (): void => undefined;

  /** @param tip everything up to here has been given to the members */
  constructor(
    private readonly store: EventStore,
    private tip: bigint,
    private readonly nextRank: () => number,
  ) {}

  /** Whether who stands there can be fed from it and miss nothing. */
  accepts(position: bigint): boolean {
    if (this.ended) return false;
    return this.begun ? this.caughtUp && this.tip <= position : this.tip === position;
  }

  /** Whether it caught up first. */
  isOlder(than: Reading): boolean {
    return this.rank < than.rank;
  }

  join(member: ReadingMember): void {
    member.tell = () => {
      this.changed();
    };
    if (this.begun && this.covers(member.prefixes)) {
      this.members.add(member);
      member.caughtUpAlready();
      return;
    }
    this.joining.add(member);
    this.subscription.abort();
    this.changed();
  }

  leave(member: ReadingMember): void {
    this.joining.delete(member);
    this.members.delete(member);
    if (this.members.size + this.joining.size === 0) {
      this.ended = true;
      this.subscription.abort();
    }
    this.changed();
  }

  /** Feeds until nobody is left. What the store throws, the members throw. */
  async run(first: ReadingMember): Promise<void> {
    this.join(first);
    try {
      if (this.tip === 0n && (await isLong(this.store))) await pause(gatherMs);
      while (!this.ended) await this.feed();
    } catch (error) {
      this.ended = true;
      for (const member of [...this.members, ...this.joining]) member.fail(error);
    }
  }

  private async feed(): Promise<void> {
    this.begun = true;
    this.admit();
    this.subscription = new AbortController();
    const { signal } = this.subscription;
    signal.addEventListener('abort', () => {
      this.changed();
    });
    const options = { after: this.tip, prefixes: this.prefixes, batchSize, signal };
    for await (const batch of this.store.subscribeAll(options)) {
      this.tip = batch.position;
      this.caughtUp = batch.caughtUp;
      if (batch.caughtUp && this.rank === Infinity) this.rank = this.nextRank();
      for (const member of this.members) member.give(batch);
      await this.room(signal);
      if (signal.aborted) return;
    }
    if (signal.aborted) return;
    this.closed = this.ended = true;
    for (const member of this.members) member.dismiss();
  }

  /** Takes in those who wanted other streams too, unless the others have passed them in the meantime. */
  private admit(): void {
    for (const member of this.joining) {
      this.joining.delete(member);
      if (member.position < this.tip) {
        member.dismiss();
        continue;
      }
      this.members.add(member);
      if (this.caughtUp) member.caughtUpAlready();
      if (!this.covers(member.prefixes)) this.prefixes = [...this.prefixes, ...member.prefixes];
    }
  }

  private covers(prefixes: readonly string[]): boolean {
    return prefixes.every((one) => this.prefixes.some((known) => one.startsWith(known)));
  }

  /** Resolves when the next batch may be read: somebody wants it, and everybody has room for it. */
  private async room(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const members = [...this.members];
      const full = members.filter((member) => member.full);
      const wanted = members.some((member) => member.waiting);
      if (full.length === 0 && (wanted || !this.caughtUp)) return;
      const bears = this.caughtUp ? patience.caughtUp : patience.catchingUp;
      if (await this.changes(wanted ? bears : undefined)) continue;
      for (const member of full) {
        this.members.delete(member);
        member.dismiss();
      }
    }
  }

  /** Whether anything changes within so many milliseconds. */
  private changes(within: number | undefined): Promise<boolean> {
    return new Promise((resolve) => {
      const timer =
        within === undefined
          ? undefined
          : setTimeout(() => {
              resolve(false);
            }, within);
      this.changed = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }
}

import type { Batch, EventStore } from '#eventsourcing';
import { isLong, Reading } from './reading.js';
import { ReadingMember } from './reading-member.js';

/**
 * Subscriptions to the store that share their reading: those that stand at the same place are fed from one
 * subscription, so that an event is read and parsed once for all. Each gets what it would get alone, in
 * larger batches the longer it was busy; who is too slow for the others goes on alone until it has caught up.
 */
export class SharedReading {
  private readonly readings = new Set<Reading>();
  private ranks = 0;

  constructor(private readonly store: EventStore) {}

  /**
   * As the store's own `subscribeAll`. @param prefixes of the streams it selects, one at least
   * @throws what the store throws
   */
  async *subscribe(after: bigint, prefixes: readonly string[], signal: AbortSignal): AsyncGenerator<Batch> {
    let position = after;
    while (!signal.aborted) {
      const member = new ReadingMember(prefixes, position, signal);
      const reading = this.join(member);
      try {
        for (let batch = await member.next(); batch !== undefined; batch = await member.next()) {
          ({ position } = batch);
          yield batch;
          if (batch.caughtUp && this.at(position)?.isOlder(reading) === true) break;
        }
      } finally {
        reading.leave(member);
      }
      if (reading.closed) return;
    }
  }

  /** Whether to read from the first event takes more than a moment. @throws StoreUnavailable */
  isLong(): Promise<boolean> {
    return isLong(this.store);
  }

  private join(member: ReadingMember): Reading {
    const known = this.at(member.position);
    if (known !== undefined) {
      known.join(member);
      return known;
    }
    const reading = new Reading(this.store, member.position, () => this.ranks++);
    this.readings.add(reading);
    void reading.run(member).finally(() => this.readings.delete(reading));
    return reading;
  }

  /** The reading that someone who stands there can join: of several, the one that caught up first. */
  private at(position: bigint): Reading | undefined {
    let best: Reading | undefined;
    for (const one of this.readings) {
      if (one.accepts(position) && (best === undefined || one.isOlder(best))) best = one;
    }
    return best;
  }
}

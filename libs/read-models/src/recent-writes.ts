import { LRUCache } from 'lru-cache';
import type { ReadModelClock } from './read-model-clock.js';

/** How long a read waits by itself for a write of this process, in milliseconds. */
const patience = 1_000;

/**
 * Remembers what this process has just written, so that reading one resource right after changing
 * it needs no token: the read waits for that one write, and for nothing else.
 */
export class RecentWrites {
  private readonly positions = new LRUCache<string, bigint>({ max: 20_000, ttl: 60_000 });

  constructor(private readonly clock: ReadModelClock) {}

  /** Answers do not come in the order of their positions, and one may tell of a change long made: the newest counts. */
  wrote(id: string, position: bigint | undefined): void {
    if (position !== undefined && position > (this.positions.get(id) ?? -1n))
      this.positions.set(id, position);
  }

  async settled(projection: string, id: string): Promise<void> {
    const position = this.positions.get(id);
    if (position !== undefined) await this.clock.reached(projection, position, patience);
  }
}

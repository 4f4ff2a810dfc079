import type { FeedFollower } from '#http';
import type { PlacedEvent } from './placed.js';
import type { ShownEvent } from './timeline-event.js';
import type { SessionFeed } from './session-feed.js';

export type FeedListener = Pick<FeedFollower<ShownEvent>, 'live' | 'wake'>;

const placedAtOnce = 512;

/** The end of a session's feed: what is new is read once, however many follow. */
export class SessionTail {
  readonly listeners = new Set<FeedListener>();
  private place: number | undefined;
  private looking = false;
  private again = false;

  constructor(private readonly feed: SessionFeed) {}

  /** There may be more. */
  look(): void {
    this.again = true;
    if (!this.looking) void this.read();
  }

  private async read(): Promise<void> {
    this.looking = true;
    try {
      while (this.again) {
        this.again = false;
        await this.tell();
      }
    } catch {
      // Each looks for itself; the client of one that cannot read comes back.
      this.wakeAll();
    } finally {
      this.looking = false;
    }
  }

  private async tell(): Promise<void> {
    if (this.place === undefined) {
      this.place = await this.feed.last();
      this.wakeAll();
      return;
    }
    let placed: PlacedEvent[] = [];
    for await (const one of this.feed.read(this.place, 'asc')) {
      placed.push(one);
      if (placed.length < placedAtOnce) continue;
      this.pass(placed);
      placed = [];
    }
    this.pass(placed);
  }

  private pass(placed: readonly PlacedEvent[]): void {
    const from = this.place ?? 0;
    this.place = placed.at(-1)?.place ?? from;
    for (const listener of [...this.listeners]) listener.live(placed, from);
  }

  private wakeAll(): void {
    for (const listener of [...this.listeners]) listener.wake();
  }
}

import { type EventStream, Follower, frame, type Piece } from '#http';
import type { EventFilter } from './event-filter.js';
import type { Feed, Placed } from './placed.js';

/** How much is read before it is written, in characters. */
const pieceSize = 64 * 1024;
/** How many events are asked for at first, and at most: no more than a piece can take of those there are. */
const fewAtOnce = 16;
const mostAtOnce = 512;
/** How much of what is being stored is written at once, whether the client has room for it or not: characters. */
const liveSize = 128 * 1024;

/** Follows a feed from a place on: first what is stored, then what is being stored. */
export class FeedFollower extends Follower {
  /** The last place whose number the client has. */
  private told: number;
  private atOnce = fewAtOnce;

  /** @param over whether the feed has ended: what is left is sent, and then the end */
  constructor(
    stream: EventStream,
    private readonly feed: Feed,
    private readonly wanted: EventFilter,
    private place: number,
    private over = false,
  ) {
    super(stream);
    this.told = place;
  }

  /** Events of the feed that have just been stored, in order, none missing behind the place `from`. */
  live(placed: readonly Placed[], from: number): void {
    if (!this.idle || from > this.place) {
      this.wake();
      return;
    }
    let frames = '';
    for (const one of placed) {
      frames += this.take(one);
      if (frames.length < liveSize) continue;
      // The rest is read again, once the client has taken this.
      this.stream.write(frames);
      this.wake();
      return;
    }
    if (frames !== '') this.stream.write(frames);
    if (this.over) this.finish();
  }

  protected async next(): Promise<Piece> {
    const limit = this.atOnce;
    let frames = '';
    let count = 0;
    for await (const placed of this.feed.read(this.place, 'asc', limit)) {
      frames += this.take(placed);
      count++;
      if (frames.length >= pieceSize) break;
    }
    const enough = frames.length >= pieceSize;
    this.atOnce = enough ? count : Math.min(mostAtOnce, 4 * limit);
    const more = enough || count === limit;
    return { frames, more, end: !more && this.over };
  }

  protected override keepalive(): string {
    if (this.place === this.told) return super.keepalive();
    this.told = this.place;
    return frame('bookmark', {}, this.place);
  }

  private take(placed: Placed): string {
    if (placed.place <= this.place) return '';
    this.place = placed.place;
    this.over ||= placed.ends;
    if (placed.event === undefined || !this.wanted(placed.event)) return '';
    this.told = placed.place;
    return placed.frame;
  }
}

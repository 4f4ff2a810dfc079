import { type EventStream, frame } from './event-stream.js';
import type { RequestContext } from './context.js';
import { Follower, type Piece } from './follower.js';
import { ProblemError } from './problems.js';

/** A place in a feed, and what stands there: nothing that the reader may see when `event` is undefined. */
export class Placed<Event extends object> {
  private written: string | undefined;

  /** @param type of the frame that shows the event */
  constructor(
    readonly place: number,
    readonly type: string,
    readonly event: Event | undefined,
    /** Whether nothing follows in this feed that a follower waits for. */
    readonly ends = false,
  ) {}

  /** As Server-Sent Events have it: made once, however many follow. */
  get frame(): string {
    const { event } = this;
    return (this.written ??= event === undefined ? '' : frame(this.type, event, this.place));
  }
}

/** A feed that can be read again from any place. Places are whole numbers from 1, and grow. */
export interface Feed<Event extends object> {
  /**
   * What stands behind a place (`asc`), or before it (`desc`), read as far as it is asked for.
   * @param limit most places; none by default
   * @throws StoreUnavailable
   */
  read(from: number, order: 'asc' | 'desc', limit?: number): AsyncIterable<Placed<Event>>;
}

/** How much is read before it is written, in characters. */
const pieceSize = 64 * 1024;
/** How many events are asked for at first, and at most: no more than a piece can take of those there are. */
const fewAtOnce = 16;
const mostAtOnce = 512;
/** How much of what is being stored is written at once, whether the client has room for it or not: characters. */
const liveSize = 128 * 1024;

/** Follows a feed from a place on: first what is stored, then what is being stored. */
export class FeedFollower<Event extends object> extends Follower {
  /** The last place whose number the client has. */
  private told: number;
  /** The last event of the feed has been taken. */
  private ended = false;
  private atOnce = fewAtOnce;

  /** @param over whether the feed has ended: what is left is sent, and then the end */
  constructor(
    stream: EventStream,
    private readonly feed: Feed<Event>,
    private readonly wanted: (event: Event) => boolean,
    protected place: number,
    private over = false,
  ) {
    super(stream);
    this.told = place;
  }

  /** Events of the feed that have just been stored, in order, none missing behind the place `from`. */
  live(placed: readonly Placed<Event>[], from: number): void {
    if (!this.idle || from > this.place) {
      this.wake();
      return;
    }
    let frames = '';
    for (const one of placed) {
      frames += this.take(one);
      if (frames.length < liveSize) continue;
      // The rest is read again, once the client has taken this.
      this.write(frames);
      this.wake();
      return;
    }
    if (frames !== '') this.write(frames);
    if (this.ended) this.finish();
  }

  /** Nothing follows what is stored by now. */
  close(): void {
    this.over = true;
    this.wake();
  }

  protected async next(): Promise<Piece> {
    const limit = this.atOnce;
    // Closed while this reads, there may be more by now than this finds.
    const { over } = this;
    let frames = '';
    let count = 0;
    for await (const placed of this.feed.read(this.place, 'asc', limit)) {
      frames += this.take(placed);
      count++;
      if (frames.length >= pieceSize) break;
    }
    const enough = frames.length >= pieceSize;
    this.atOnce = enough ? count : Math.min(mostAtOnce, 4 * limit);
    const more = enough || count >= limit;
    return { frames, more, end: !more && (over || this.ended) };
  }

  protected override keepalive(): string {
    if (this.place === this.told) return super.keepalive();
    this.told = this.place;
    return frame('bookmark', {}, this.place) + super.keepalive();
  }

  private take(placed: Placed<Event>): string {
    if (placed.place <= this.place) return '';
    this.place = placed.place;
    this.ended ||= placed.ends;
    if (placed.event === undefined || !this.wanted(placed.event)) return '';
    this.told = placed.place;
    return placed.frame;
  }
}

/**
 * Where a client wants to go on. A browser that comes back sends both its last id and the query it began
 * with, and knows better by now. @returns undefined when it does not say
 * @throws ProblemError validation_failed
 */
export function placeOf(asked: number | undefined, { request }: RequestContext): number | undefined {
  const id = request.headers['last-event-id'];
  if (id === undefined) return asked;
  if (typeof id === 'string' && /^\d{1,15}$/.test(id)) return Number(id);
  const detail = 'must be the id of an event, a whole number';
  throw new ProblemError('validation_failed', `Last-Event-ID ${detail}.`, {
    errors: [{ parameter: 'Last-Event-ID', detail }],
  });
}

import { type EventStream, frame } from './event-stream.js';
import type { RequestContext } from './context.js';
import { Follower, type Piece } from './follower.js';
import { Heard } from './heard.js';
import type { Feed, Placed } from './placed.js';
import { ProblemError } from './problems.js';

/** How much is read before it is written, in characters, unless a follower says otherwise. */
const pieceSize = 64 * 1024;
/** How many events are asked for at first, and at most: no more than a piece can take of those there are. */
const fewAtOnce = 16;
const mostAtOnce = 512;
/** How much of what is being stored is held for a client that has no room: the next piece for it. */
const heardSize = pieceSize;
/** How much of what is being stored is written at once, whether the client has room for it or not: characters. */
const liveSize = 128 * 1024;

/** Follows a feed from a place on: first what is stored, then what is being stored. */
export class FeedFollower<Event extends object> extends Follower {
  /** The last place whose number the client has. */
  private told: number;
  /** The last event of the feed has been taken. */
  private ended = false;
  private atOnce = fewAtOnce;
  private readonly heard: Heard<Event>;
  /** There may be more than was told. */
  private unheard = false;

  /**
   * @param over whether the feed has ended: what is left is sent, and then the end
   * @param held how much is held of what it is told while its client has no room, in characters
   * @param piece how much is read before it is written, in characters
   */
  constructor(
    stream: EventStream,
    private readonly feed: Feed<Event>,
    private readonly wanted: (event: Event) => boolean,
    protected place: number,
    private over = false,
    held = heardSize,
    private readonly piece = pieceSize,
  ) {
    super(stream);
    this.told = place;
    this.heard = new Heard(held);
  }

  /** Events of the feed that have just been stored, in order, none missing behind the place `from`. */
  live(placed: readonly Placed<Event>[], from: number): void {
    if (!this.idle || from > this.place) {
      this.hear(placed, from);
      return;
    }
    let frames = '';
    for (const [n, one] of placed.entries()) {
      frames += this.take(one);
      if (frames.length < liveSize) continue;
      // The rest follows once the client has taken this.
      this.write(frames);
      this.hear(placed.slice(n + 1), this.place);
      return;
    }
    if (frames !== '') this.write(frames);
    if (this.ended) this.finish();
  }

  override wake(): void {
    this.unheard = true;
    this.goOn();
  }

  /** Nothing follows what is stored by now. */
  close(): void {
    this.over = true;
    this.wake();
  }

  protected async next(): Promise<Piece> {
    const before = this.place;
    const frames = this.takeHeard();
    // What is still held may go on behind what must be read first.
    const more = this.unheard || this.over || !this.heard.empty;
    return more && this.place === before ? this.nextStored() : { frames, more, end: this.ended && !more };
  }

  private hear(placed: readonly Placed<Event>[], from: number): void {
    if (!this.heard.add(placed, from)) this.unheard = true;
    this.goOn();
  }

  /** As much of what was told, and goes on where this has come to, as is written at once. */
  private takeHeard(): string {
    let frames = '';
    while (frames.length < this.piece) {
      const one = this.heard.next(this.place);
      if (one === undefined) break;
      frames += this.take(one);
    }
    return frames;
  }

  private async nextStored(): Promise<Piece> {
    this.unheard = false;
    const limit = this.atOnce;
    // Closed while this reads, there may be more by now than this finds.
    const { over } = this;
    let frames = '';
    let count = 0;
    for await (const placed of this.feed.read(this.place, 'asc', limit)) {
      frames += this.take(placed);
      count++;
      if (frames.length >= this.piece) break;
    }
    const enough = frames.length >= this.piece;
    this.atOnce = enough ? count : Math.min(mostAtOnce, 4 * limit);
    const more = enough || count >= limit;
    this.unheard ||= more;
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
    this.feed.passed?.(placed);
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

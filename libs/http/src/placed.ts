import { frame } from './event-stream.js';

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

  /** Of the frame, in characters; about. */
  get size(): number {
    return this.frame.length;
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

  /** The reader has come behind this one, whether it was read here or told. */
  passed?(placed: Placed<Event>): void;
}

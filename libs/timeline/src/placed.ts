import { frame } from '#http';
import type { TimelineEvent } from './timeline-event.js';

/** An event as a feed shows it. */
export interface ShownEvent extends TimelineEvent {
  /** In its run, or in its session where that is what is read; a session's event has none in a project's feed. */
  readonly sequence_number?: number;
  /** Place in the global order; in a project's feed alone. */
  readonly position?: number;
}

/** A place in a feed, and what stands there: nothing that the reader may see when `event` is undefined. */
export class Placed {
  private written: string | undefined;

  constructor(
    readonly place: number,
    readonly event: ShownEvent | undefined,
    /** Whether nothing follows in this feed that a follower waits for. */
    readonly ends = false,
  ) {}

  /** As Server-Sent Events have it: made once, however many follow. */
  get frame(): string {
    const { event } = this;
    return (this.written ??= event === undefined ? '' : frame(event.type, event, this.place));
  }
}

/** A feed of events: of a run, a session, or a project. Places are whole numbers from 1, and grow. */
export interface Feed {
  /**
   * What stands behind a place (`asc`), or before it (`desc`), read as far as it is asked for.
   * @param limit most places; none by default
   * @throws StoreUnavailable
   */
  read(from: number, order: 'asc' | 'desc', limit?: number): AsyncIterable<Placed>;
}

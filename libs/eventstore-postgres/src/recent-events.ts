import type { EventMetadata, Fact, NewEvent, RecordedEvent } from '#eventsourcing';
import type { Page } from './reading.js';
import { throughJson } from './through-json.js';

/** An event on its way to the table, with its data and metadata as the JSON that is stored. */
export interface Encoded {
  readonly event: NewEvent;
  readonly data: string;
  readonly metadata: string;
}

interface Recent {
  readonly position: bigint;
  readonly revision: number;
  readonly stream: string;
  readonly event: NewEvent;
  /** In characters of data. */
  readonly size: number;
  /** Of a large event there is none: its long texts are here once, as the writer has them. */
  readonly data: string | undefined;
  readonly metadata: string;
  recorded: RecordedEvent | undefined;
}

/** Up to this size, in characters of data, an event is parsed once for all who read it. */
const sharedSize = 4 * 1024;

/**
 * The newest events, without a gap, as far as this process wrote them: subscribers that are close to the
 * end take them from here instead of from the table. Every event after `start` and up to `end` is here.
 */
export class RecentEvents {
  private events: Recent[] = [];
  /** How many of the first events have been let go. */
  private gone = 0;
  private size = 0;
  private start: bigint | undefined;
  private end = -1n;

  /** @param mostSize in characters of data */
  constructor(
    private readonly mostEvents = 20_000,
    private readonly mostSize = 8 * 1024 * 1024,
  ) {}

  /** What follows was stored right behind position `base`; what others wrote before it is not here. */
  begin(base: bigint, end: bigint): void {
    if (base !== this.end) {
      this.forget();
      this.start = base;
    }
    this.end = end;
  }

  /** To be called in the order of positions, after `begin`. */
  add(position: bigint, revision: number, stream: string, { event, data, metadata }: Encoded): void {
    const size = data.length;
    const kept = size > sharedSize ? undefined : data;
    this.events.push({ position, revision, stream, event, size, data: kept, metadata, recorded: undefined });
    this.size += size;
    while (this.events.length - this.gone > this.mostEvents || this.size > this.mostSize) this.letGo();
  }

  /** Something was, or may have been, stored or removed that is not known here. */
  forget(): void {
    this.events = [];
    this.gone = 0;
    this.size = 0;
    this.start = undefined;
    this.end = -1n;
  }

  /**
   * The page that a read of the table would give, or undefined when it must be read there.
   * @param size most characters of data, beyond one event
   */
  after(position: bigint, prefixes: readonly string[], limit: number, size: number): Page | undefined {
    if (this.start === undefined || position < this.start || position >= this.end) return undefined;
    const events: RecordedEvent[] = [];
    let taken = 0;
    for (let n = this.firstAfter(position); n < this.events.length; n++) {
      const recent = this.events[n] as Recent;
      if (prefixes.length > 0 && !prefixes.some((prefix) => recent.stream.startsWith(prefix))) continue;
      const { size: length } = recent;
      if (events.length === limit || (events.length > 0 && taken + length > size)) {
        return { events, head: this.end, size: taken, full: true };
      }
      taken += length;
      events.push(recent.data === undefined ? recorded(recent) : (recent.recorded ??= recorded(recent)));
    }
    return { events, head: this.end, size: taken, full: false };
  }

  private firstAfter(position: bigint): number {
    let [low, high] = [this.gone, this.events.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.events[middle] as Recent).position <= position) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private letGo(): void {
    const first = this.events[this.gone] as Recent;
    this.start = first.position;
    this.size -= first.size;
    this.gone++;
    // What was let go is held by its place until the places are counted anew.
    if (this.gone * 2 > this.events.length) {
      this.events = this.events.slice(this.gone);
      this.gone = 0;
    }
  }
}

/** Of all who hear of a large event hardly anybody looks into it: its data are made when they are asked for. */
const large = (head: Omit<RecordedEvent, 'data'>, written: Fact['data']): RecordedEvent => {
  let data: Fact['data'] | undefined;
  return {
    ...head,
    get data() {
      return (data ??= throughJson(written) as Fact['data']);
    },
  };
};

/** The event as the table would give it: what JSON does not carry is not in it. */
const recorded = ({ position, revision, stream, event, data, metadata: text }: Recent): RecordedEvent => {
  const { id, type } = event;
  const metadata = JSON.parse(text) as EventMetadata;
  return data === undefined
    ? large({ position, revision, id, stream, type, metadata }, event.data)
    : { position, revision, id, stream, type, metadata, data: JSON.parse(data) as Fact['data'] };
};

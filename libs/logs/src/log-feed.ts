import type { Fact, ReadStreamOptions, RecordedEvent, Streams } from '#eventsourcing';
import { type Feed, Placed } from '#http';
import type { LogAppended } from './log.events.js';
import { logStreamOf } from './log.events.js';
import type { LogEntry } from './log-reader.js';

const known = new WeakMap<RecordedEvent, readonly Placed<LogEntry>[]>();

/** The log of one run, read from its stream; places are `seq`. */
export class LogFeed implements Feed<LogEntry> {
  readonly stream: string;
  /** Where reading goes on: the event of this revision holds the first line behind the place. */
  private next: { place: number; revision: number } | undefined;

  constructor(
    private readonly streams: Streams,
    runId: string,
  ) {
    this.stream = logStreamOf(runId);
  }

  /** `seq` of the first line that is still there; undefined when there is none. @throws StoreUnavailable */
  async earliest(): Promise<number | undefined> {
    const first = await this.one({});
    return first && dataOf(first).first_seq;
  }

  /** Oldest first alone. */
  async *read(after: number, _order: 'asc' | 'desc', limit = Infinity): AsyncGenerator<Placed<LogEntry>> {
    const from = this.next?.place === after ? this.next.revision : await this.revisionBehind(after);
    let left = limit;
    // An event holds one line at least.
    for await (const event of this.streams.read(this.stream, { from, limit })) {
      for (const placed of this.placed(event)) {
        if (placed.place <= after) continue;
        if (left-- === 0) return;
        this.moved(event, placed.place);
        yield placed;
      }
    }
  }

  /** The lines of an event of the stream; the same objects for all who follow. */
  placed(event: RecordedEvent): readonly Placed<LogEntry>[] {
    let lines = known.get(event);
    if (lines === undefined) {
      const { first_seq, entries } = dataOf(event);
      lines = entries.map((line, n) => new Placed(first_seq + n, 'log', { seq: first_seq + n, ...line }));
      known.set(event, lines);
    }
    return lines;
  }

  private moved(event: RecordedEvent, place: number): void {
    this.next = { place, revision: event.revision + (place === lastSeq(event) ? 1 : 0) };
  }

  /** The revision of the event that holds the first line behind a place, found by halving. */
  private async revisionBehind(place: number): Promise<number> {
    const [first, last] = await Promise.all([this.one({}), this.one({ direction: 'backwards' })]);
    if (first === undefined || last === undefined || lastSeq(first) > place) return first?.revision ?? 0;
    let [low, high] = [first.revision, last.revision + 1];
    // The event before `high` and none before `low` is wholly at or before the place.
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      const event = await this.one({ from: middle });
      if (event === undefined || dataOf(event).first_seq > place + 1) high = middle;
      else low = middle;
    }
    return low;
  }

  private async one(options: ReadStreamOptions): Promise<RecordedEvent | undefined> {
    for await (const event of this.streams.read(this.stream, { ...options, limit: 1 })) return event;
    return undefined;
  }
}

const dataOf = (event: RecordedEvent): LogAppended['data'] => (event as Fact as LogAppended).data;

const lastSeq = (event: RecordedEvent): number => dataOf(event).first_seq + dataOf(event).entries.length - 1;

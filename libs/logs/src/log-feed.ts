import type { Fact, ReadStreamOptions, RecordedEvent, Streams } from '#eventsourcing';
import { type Feed, Placed } from '#http';
import { logDecider } from './log.decider.js';
import type { LogFact, LogLine } from './log.events.js';
import { logStreamOf } from './log.events.js';
import { gone, type LogExtent } from './log-extent.js';
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

  /** What retention has removed, and the last line of all. @throws StoreUnavailable */
  async extent(): Promise<LogExtent> {
    const { state } = await this.streams.load(logDecider, this.stream);
    return {
      last_seq: state.last_seq,
      purged_seq: state.purged?.through_seq ?? 0,
      purged: state.purged,
    };
  }

  /** Oldest first alone. @throws ProblemError gone when retention has removed lines behind the place meanwhile */
  async *read(after: number, _order: 'asc' | 'desc', limit = Infinity): AsyncGenerator<Placed<LogEntry>> {
    let from = this.next?.place === after ? this.next.revision : await this.revisionBehind(after);
    let left = limit;
    let place = after;
    // An event holds one line at least, but for what tells of a purge.
    for (let events = limit; events === limit;) {
      events = 0;
      for await (const event of this.streams.read(this.stream, { from, limit })) {
        events++;
        from = event.revision + 1;
        for (const placed of this.placed(event)) {
          if (placed.place <= after) continue;
          if (left-- === 0) return;
          if (placed.place > place + 1) this.expectNoGap(place, placed.place);
          place = placed.place;
          this.moved(event, place);
          yield placed;
        }
      }
    }
  }

  /** The lines of an event of the stream; the same objects for all who follow. */
  placed(event: RecordedEvent): readonly Placed<LogEntry>[] {
    let lines = known.get(event);
    if (lines === undefined) {
      const { first_seq, entries } = linesOf(event);
      lines = entries.map((line, n) => new Placed(first_seq + n, 'log', { seq: first_seq + n, ...line }));
      known.set(event, lines);
    }
    return lines;
  }

  /** Only who reads from the start is content with what is left. */
  private expectNoGap(place: number, next: number): void {
    if (place > 0) throw gone(next);
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
      if (event === undefined || linesOf(event).first_seq > place + 1) high = middle;
      else low = middle;
    }
    return low;
  }

  private async one(options: ReadStreamOptions): Promise<RecordedEvent | undefined> {
    for await (const event of this.streams.read(this.stream, { ...options, limit: 1 })) return event;
    return undefined;
  }
}

/** The lines of an event; what tells of a purge has none, and stands behind the last one of its time. */
function linesOf(event: RecordedEvent): { first_seq: number; entries: readonly LogLine[] } {
  const { type, data } = event as Fact as LogFact;
  return type === 'LogPurged' ? { first_seq: data.last_seq + 1, entries: [] } : data;
}

const lastSeq = (event: RecordedEvent): number => {
  const { first_seq, entries } = linesOf(event);
  return first_seq + entries.length - 1;
};

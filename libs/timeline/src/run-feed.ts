import type { ReadStreamOptions, RecordedEvent, Streams } from '#eventsourcing';
import { runEnds, runStream } from '#runs';
import { type EventFeed, placed, type PlacedEvent } from './placed.js';
import { timelineEvent } from './timeline-event.js';

const known = new WeakMap<RecordedEvent, PlacedEvent>();

/** The timeline of one run: every event of its stream, numbered as it stands there. */
export class RunFeed implements EventFeed {
  readonly stream: string;

  constructor(
    private readonly streams: Streams,
    runId: string,
    private readonly session: string | undefined,
  ) {
    this.stream = runStream(runId);
  }

  async *read(from: number, order: 'asc' | 'desc', limit = Infinity): AsyncGenerator<PlacedEvent> {
    if (order === 'desc' && from <= 1) return;
    const options: ReadStreamOptions =
      order === 'asc'
        ? { from, limit }
        : { direction: 'backwards', limit, ...(from < Number.MAX_SAFE_INTEGER && { from: from - 2 }) };
    for await (const event of this.streams.read(this.stream, options)) yield this.placed(event);
  }

  /** What an event of the stream is in the feed; the same object for all who follow. */
  placed(event: RecordedEvent): PlacedEvent {
    let found = known.get(event);
    if (found === undefined) {
      const place = event.revision + 1;
      const told = timelineEvent(event, this.session, { sequence_number: place });
      found = placed(place, told, runEnds(event));
      known.set(event, found);
    }
    return found;
  }
}

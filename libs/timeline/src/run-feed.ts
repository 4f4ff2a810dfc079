import type { ReadStreamOptions, RecordedEvent, Streams } from '#eventsourcing';
import { runStream } from '#runs';
import { type Feed, Placed } from './placed.js';
import { endsRun, timelineEvent } from './timeline-event.js';

const known = new WeakMap<RecordedEvent, Placed>();

/** The timeline of one run: every event of its stream, numbered as it stands there. */
export class RunFeed implements Feed {
  readonly stream: string;

  constructor(
    private readonly streams: Streams,
    runId: string,
    private readonly session: string | undefined,
  ) {
    this.stream = runStream(runId);
  }

  async *read(from: number, order: 'asc' | 'desc', limit = Infinity): AsyncGenerator<Placed> {
    if (order === 'desc' && from <= 1) return;
    const options: ReadStreamOptions =
      order === 'asc'
        ? { from, limit }
        : { direction: 'backwards', limit, ...(from < Number.MAX_SAFE_INTEGER && { from: from - 2 }) };
    for await (const event of this.streams.read(this.stream, options)) yield this.placed(event);
  }

  /** What an event of the stream is in the feed; the same object for all who follow. */
  placed(event: RecordedEvent): Placed {
    let placed = known.get(event);
    if (placed === undefined) {
      const place = event.revision + 1;
      const told = timelineEvent(event, this.session);
      placed = new Placed(place, told && { ...told, sequence_number: place }, endsRun(event));
      known.set(event, placed);
    }
    return placed;
  }
}

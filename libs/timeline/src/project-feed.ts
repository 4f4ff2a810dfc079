import type { EventStore, RecordedEvent } from '#eventsourcing';
import { type EventFeed, placed, type PlacedEvent } from './placed.js';
import { numbersInProject, timelineEvent, timelineStreams } from './timeline-event.js';

/** Everything that happens in a project, in the one order of the store; places are positions in that. */
export class ProjectFeed implements EventFeed {
  constructor(
    private readonly store: EventStore,
    private readonly project: string,
  ) {}

  async *read(from: number, order: 'asc' | 'desc', limit = Infinity): AsyncGenerator<PlacedEvent> {
    const selected = { prefixes: timelineStreams, limit };
    const before = from < Number.MAX_SAFE_INTEGER ? { before: BigInt(from) } : {};
    const events =
      order === 'asc'
        ? this.store.readAll({ ...selected, after: BigInt(from) })
        : this.store.readAllBackwards({ ...selected, ...before });
    for await (const event of events) yield this.placed(event);
  }

  placed(event: RecordedEvent): PlacedEvent {
    const position = Number(event.position);
    const ours = event.metadata.project === this.project;
    const { session_id } = event.data as { session_id?: string };
    const told =
      ours && isTimeline(event) ? timelineEvent(event, session_id, numbersInProject(event)) : undefined;
    return placed(position, told);
  }
}

const isTimeline = ({ stream }: RecordedEvent): boolean =>
  timelineStreams.some((prefix) => stream.startsWith(prefix));

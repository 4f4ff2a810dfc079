import { Injectable } from '@nestjs/common';
import { EventStore, type Principal, type RecordedEvent } from '#eventsourcing';
import type { AuditEventsQuery } from './audit.bodies.js';
import { shownIn } from './shown.js';

/** Reads the events of a project as they are stored. */
@Injectable()
export class AuditEvents {
  constructor(private readonly store: EventStore) {}

  /** The events that the query selects, a line each, oldest first. @throws StoreUnavailable */
  async *lines({ projectId }: Principal, query: AuditEventsQuery): AsyncGenerator<string> {
    const { stream, category, limit = Infinity } = query;
    const shown = shownIn(projectId);
    const wanted = filterOf(query);
    const events =
      stream === undefined
        ? this.store.readAll({
            after: BigInt(query.after ?? 0),
            ...(category !== undefined && { prefixes: [`${category}-`] }),
          })
        : this.store.readStream(stream);
    let left = limit;
    for await (const event of events) {
      if (query.before !== undefined && event.position >= BigInt(query.before)) return;
      if (!shown(event) || !wanted(event)) continue;
      yield auditLine(event);
      if (--left === 0) return;
    }
  }
}

const auditLine = ({ position, stream, revision, id, type, metadata, data }: RecordedEvent): string =>
  `${JSON.stringify({ position: Number(position), stream, revision, id, type, metadata, data })}\n`;

function filterOf({ category, actor, from, to, after = 0 }: AuditEventsQuery) {
  const [start, end] = [from, to].map((time) => (time === undefined ? undefined : Date.parse(time)));
  return ({ stream, position, metadata }: RecordedEvent): boolean =>
    position > BigInt(after) &&
    (category === undefined || stream.startsWith(`${category}-`)) &&
    (actor === undefined || metadata.actor === actor) &&
    (start === undefined || Date.parse(metadata.at) >= start) &&
    (end === undefined || Date.parse(metadata.at) < end);
}

import type { RecordedEvent, Streams } from '#eventsourcing';
import type { Database } from '#read-models';
import { type EventFeed, placed, type PlacedEvent } from './placed.js';
import { runIdOf, timelineEvent } from './timeline-event.js';

interface Segment {
  readonly owner_id: string;
  readonly first_seq: string;
  readonly last_seq: string;
  readonly stream: string;
  readonly first_revision: string;
}

/** Part of a stream that stands in the feed from `seq` on. */
interface Stretch {
  readonly owner: string;
  readonly seq: number;
  readonly stream: string;
  readonly revision: number;
  readonly count: number;
}

/** An event where it stands in a feed, with the session in which it happened: in a fork it may be another. */
interface StoredEvent {
  readonly place: number;
  readonly event: RecordedEvent;
  readonly owner: string;
}

const segmentsAtOnce = 256;
const shown = 'first_seq, least(last_seq, through_seq) AS last_seq, stream, first_revision, owner_id';
const eventsAtOnce = 512;

/** Whose segments are shown, and up to where: the session's own, behind those that it shares. */
const parts = `(SELECT owner_id, through_seq FROM timeline.lineage WHERE session_id = $1
  UNION ALL SELECT $1::uuid, ${Number.MAX_SAFE_INTEGER}) p`;

/**
 * What happens in a session and in its runs, in the order of the store, numbered without a gap. A fork shows what
 * it shares as the source shows it.
 */
export class SessionFeed implements EventFeed {
  constructor(
    private readonly database: Database,
    private readonly streams: Streams,
    private readonly sessionId: string,
  ) {}

  async *read(from: number, order: 'asc' | 'desc', limit = Infinity): AsyncGenerator<PlacedEvent> {
    for await (const stored of this.events(from, order, limit)) yield placedEvent(stored);
  }

  /** The same as they are stored. */
  async *events(from: number, order: 'asc' | 'desc', limit = Infinity): AsyncGenerator<StoredEvent> {
    let place = from;
    let left = limit;
    while (left > 0) {
      const stretches = await this.stretches(place, order, Math.min(left, eventsAtOnce));
      const events = await this.stored(stretches);
      for (const stretch of stretches) {
        left -= stretch.count;
        for (let n = 0; n < stretch.count; n++) {
          const k = order === 'asc' ? n : stretch.count - 1 - n;
          const event = events.get(`${stretch.stream} ${stretch.revision + k}`);
          place = stretch.seq + k;
          if (event !== undefined) yield { place, event, owner: stretch.owner };
        }
      }
      if (stretches.length === 0) return;
    }
  }

  /** The number of the first event that can be of a later time. */
  async firstAfter(time: string): Promise<number | undefined> {
    const [row] = await this.database.prepared<{ first: string | null }>(
      'session-feed-after',
      `SELECT min(s.first_seq) AS first FROM ${parts} CROSS JOIN LATERAL (
         SELECT min(first_seq) AS first_seq FROM timeline.segments
         WHERE session_id = p.owner_id AND latest > $2 AND first_seq <= p.through_seq) s`,
      [this.sessionId, Date.parse(time)],
    );
    return row?.first == null ? undefined : Number(row.first);
  }

  /** The number of the newest event; 0 when there is none yet. */
  async last(): Promise<number> {
    const [row] = await this.database.prepared<{ last_seq: string }>(
      'session-feed-last',
      'SELECT last_seq FROM timeline.segments WHERE session_id = $1 ORDER BY first_seq DESC LIMIT 1',
      [this.sessionId],
    );
    return Number(row?.last_seq ?? 0);
  }

  /** Where the next events stand, as many as are read at once. */
  private async stretches(from: number, order: 'asc' | 'desc', most: number): Promise<Stretch[]> {
    const forwards = order === 'asc';
    const rows = await this.database.prepared<Segment>(
      `session-feed-${order}`,
      forwards
        ? `SELECT ${shown} FROM ${parts} CROSS JOIN LATERAL (SELECT * FROM timeline.segments
             WHERE session_id = p.owner_id AND last_seq > $2 AND first_seq <= p.through_seq
               AND first_seq >= coalesce((SELECT max(first_seq) FROM timeline.segments
                 WHERE session_id = p.owner_id AND first_seq <= $2 + 1), 0)
             ORDER BY first_seq LIMIT ${segmentsAtOnce}) s
           WHERE p.through_seq > $2 ORDER BY first_seq LIMIT ${segmentsAtOnce}`
        : `SELECT ${shown} FROM ${parts} CROSS JOIN LATERAL (SELECT * FROM timeline.segments
             WHERE session_id = p.owner_id AND first_seq < $2 AND first_seq <= p.through_seq
             ORDER BY first_seq DESC LIMIT ${segmentsAtOnce}) s
           ORDER BY first_seq DESC LIMIT ${segmentsAtOnce}`,
      [this.sessionId, from],
    );
    const stretches: Stretch[] = [];
    let left = most;
    for (const row of rows) {
      const [first, last] = [Number(row.first_seq), Number(row.last_seq)];
      const low = forwards ? Math.max(first, from + 1) : first;
      const high = forwards ? last : Math.min(last, from - 1);
      const count = Math.min(left, high - low + 1);
      const seq = forwards ? low : high - count + 1;
      const revision = Number(row.first_revision) + seq - first;
      stretches.push({ owner: row.owner_id, seq, stream: row.stream, revision, count });
      left -= count;
      if (left === 0) break;
    }
    return stretches;
  }

  /** One read for each stream, however often the feed changes from one to the other. */
  private async stored(stretches: readonly Stretch[]): Promise<Map<string, RecordedEvent>> {
    const ranges = new Map<string, { from: number; to: number }>();
    for (const { stream, revision, count } of stretches) {
      const range = ranges.get(stream);
      ranges.set(stream, {
        from: Math.min(range?.from ?? revision, revision),
        to: Math.max(range?.to ?? 0, revision + count - 1),
      });
    }
    const events = new Map<string, RecordedEvent>();
    await Promise.all(
      [...ranges].map(async ([stream, { from, to }]) => {
        for await (const event of this.streams.read(stream, { from, limit: to - from + 1 })) {
          events.set(`${stream} ${event.revision}`, event);
        }
      }),
    );
    return events;
  }
}

function placedEvent({ event, place, owner }: StoredEvent): PlacedEvent {
  const session = runIdOf(event.stream) === undefined ? undefined : owner;
  const told = timelineEvent(event, session, { sequence_number: place });
  return placed(place, told, event.type === 'SessionDeleted');
}

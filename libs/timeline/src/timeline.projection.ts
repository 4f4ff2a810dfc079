import type { RecordedEvent } from '#eventsourcing';
import { arrayOf } from '#postgres';
import { Projection, type Sql } from '#read-models';
import type { SessionCreated } from '#sessions';
import { LineageFold } from './lineage.fold.js';
import { runIdOf, sessionIdOf, sessionToldBy, tellsSession, timelineStreams } from './timeline-event.js';
import { ToolCallFold } from './tool-calls.fold.js';

/** Events that follow each other both in a session's feed and in their own stream. */
interface Segment {
  readonly sessionId: string;
  readonly firstSeq: number;
  lastSeq: number;
  readonly stream: string;
  readonly firstRevision: number;
  /** Latest time of any event of the session up to the end of this segment; milliseconds since 1970. */
  latest: number;
}

interface SegmentRow {
  session_id: string;
  first_seq: string;
  last_seq: string;
  stream: string;
  first_revision: string;
  latest: string;
}

/**
 * Where the events of a session's feed stand. The feed is the session's own events and those of its runs
 * in the order of the store, numbered without a gap; the events themselves stay in their streams. Rows are as
 * long as they can be, so that they are the same whatever the batches. A fork has the segments behind the
 * point that it begins at; those before it are its source's. Tool calls are folded along.
 */
export class TimelineProjection extends Projection {
  readonly name = 'timeline';
  readonly version = 3;
  readonly prefixes = timelineStreams;

  readonly tables = `
    CREATE TABLE runs (
      run_id uuid PRIMARY KEY,
      session_id uuid NOT NULL
    );
    CREATE TABLE segments (
      session_id uuid NOT NULL,
      first_seq bigint NOT NULL,
      last_seq bigint NOT NULL,
      stream text COLLATE "C" NOT NULL,
      first_revision bigint NOT NULL,
      latest bigint NOT NULL,
      PRIMARY KEY (session_id, first_seq)
    );
    ${LineageFold.tables}
    ${ToolCallFold.tables}`;

  readonly indexes = 'CREATE INDEX segments_latest ON segments (session_id, latest, first_seq);';

  async apply(sql: Sql, events: readonly RecordedEvent[]): Promise<void> {
    const told = events.filter(({ type }) => type !== 'SessionRunClaimed');
    const sessions = await this.sessionsOf(sql, told);
    await this.extend(sql, told, sessions);
    await new LineageFold(sql).apply(told);
    await new ToolCallFold(sql).apply(told);
  }

  /** The session of each run in the batch that has one. */
  private async sessionsOf(sql: Sql, events: readonly RecordedEvent[]): Promise<Map<string, string>> {
    const sessions = new Map<string, string>();
    const born = new Map<string, string>();
    const unknown = new Set<string>();
    for (const event of events) {
      const run = runIdOf(event.stream);
      if (run === undefined) continue;
      const session = sessionToldBy(event);
      if (session === undefined && !tellsSession(event)) unknown.add(run);
      if (session === undefined) continue;
      sessions.set(run, session);
      if (event.type === 'RunCreated') born.set(run, session);
    }
    if (born.size > 0) {
      await sql.query('INSERT INTO runs SELECT * FROM unnest($1::uuid[], $2::uuid[])', [
        arrayOf([...born.keys()]),
        arrayOf([...born.values()]),
      ]);
    }
    for (const run of sessions.keys()) unknown.delete(run);
    if (unknown.size > 0) {
      const rows = await sql.query<{ run_id: string; session_id: string }>(
        'SELECT run_id, session_id FROM runs WHERE run_id = ANY ($1::uuid[])',
        [arrayOf([...unknown])],
      );
      for (const { run_id, session_id } of rows) sessions.set(run_id, session_id);
    }
    return sessions;
  }

  private async extend(
    sql: Sql,
    events: readonly RecordedEvent[],
    sessions: ReadonlyMap<string, string>,
  ): Promise<void> {
    const sessionOf = ({ stream }: RecordedEvent): string | undefined =>
      sessionIdOf(stream) ?? sessions.get(runIdOf(stream) ?? '');
    const touched = new Set(events.map(sessionOf).filter((id) => id !== undefined));
    if (touched.size === 0) return;
    const last = await this.lastSegments(sql, touched);
    const changed = new Set<Segment>();
    for (const event of events) {
      const sessionId = sessionOf(event);
      if (sessionId === undefined) continue;
      const segment = extended(last.get(sessionId), sessionId, event);
      last.set(sessionId, segment);
      changed.add(segment);
    }
    const rows = [...changed];
    await sql.query(
      `INSERT INTO segments (session_id, first_seq, last_seq, stream, first_revision, latest)
       SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[])
       ON CONFLICT (session_id, first_seq) DO UPDATE SET last_seq = excluded.last_seq, latest = excluded.latest`,
      [
        arrayOf(rows.map(({ sessionId }) => sessionId)),
        arrayOf(rows.map(({ firstSeq }) => firstSeq)),
        arrayOf(rows.map(({ lastSeq }) => lastSeq)),
        arrayOf(rows.map(({ stream }) => stream)),
        arrayOf(rows.map(({ firstRevision }) => firstRevision)),
        arrayOf(rows.map(({ latest }) => latest)),
      ],
    );
  }

  private async lastSegments(sql: Sql, sessions: ReadonlySet<string>): Promise<Map<string, Segment>> {
    const rows = await sql.query<SegmentRow>(
      `SELECT s.* FROM unnest($1::uuid[]) AS t(id), LATERAL (
         SELECT * FROM segments WHERE session_id = t.id ORDER BY first_seq DESC LIMIT 1) s`,
      [arrayOf([...sessions])],
    );
    return new Map(
      rows.map((row) => [
        row.session_id,
        {
          sessionId: row.session_id,
          firstSeq: Number(row.first_seq),
          lastSeq: Number(row.last_seq),
          stream: row.stream,
          firstRevision: Number(row.first_revision),
          latest: Number(row.latest),
        },
      ]),
    );
  }
}

/** The segment that has the event: the last one, made longer, or a new one behind it. */
function extended(last: Segment | undefined, sessionId: string, event: RecordedEvent): Segment {
  const { stream, revision } = event;
  const at = Date.parse(event.metadata.at);
  const follows =
    last?.stream === stream && revision === last.firstRevision + last.lastSeq - last.firstSeq + 1;
  if (last !== undefined && follows) {
    last.lastSeq++;
    last.latest = Math.max(last.latest, at);
    return last;
  }
  const seq = (last?.lastSeq ?? sharedBefore(event)) + 1;
  const latest = Math.max(last?.latest ?? at, at);
  return { sessionId, firstSeq: seq, lastSeq: seq, stream, firstRevision: revision, latest };
}

/** How many events stand before the first of a session: those that a fork shares. */
function sharedBefore(event: RecordedEvent): number {
  if (event.type !== 'SessionCreated') return 0;
  return (event.data as SessionCreated['data']).forked_from?.sequence_number ?? 0;
}

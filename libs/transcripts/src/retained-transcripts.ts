import { Injectable } from '@nestjs/common';
import { type Causation, EventStore, type RecordedEvent, Streams } from '#eventsourcing';
import { arrayOf } from '#postgres';
import { Database } from '#read-models';
import {
  type Belonging,
  type Cause,
  type Eager,
  millisecondsSql,
  type Piece,
  type RemovalRecord,
  RetainedContent,
  type Stored,
  type Subject,
} from '#retention';
import { isOver, runDecider, activeStatuses, runStream } from '#runs';
import { sessionDecider, sessionStream } from '#sessions';
import { keepOfSegments, purgedSegmentsDecider, remains } from './purged-segments.decider.js';
import { remainsOfShared } from './remains-of-shared.js';
import { unlimited } from './segment-retentions.js';
import { purgeTranscript } from './transcript-changes.decider.js';
import { transcriptDecider } from './transcript.decider.js';
import { purgedSegmentsStream, transcriptStream } from './transcript.events.js';
import { inPart, partsOf, readTranscript } from './transcript-reader.js';
import { TranscriptSeeds } from './transcript-seeds.js';
import { type SegmentRange, sharersSql, stillShown } from './transcript-sharers.js';

const segmentsOfPage = 100;
/** Transcripts as retention looks at them: a subject is a session or run, a piece is what one event holds. */
@Injectable()
export class RetainedTranscripts extends RetainedContent {
  readonly kind = 'transcripts';
  readonly projection = 'transcripts';
  readonly tables = ['transcripts.segments'];

  constructor(
    private readonly database: Database,
    private readonly streams: Streams,
    private readonly store: EventStore,
    private readonly seeds: TranscriptSeeds,
  ) {
    super();
  }

  subjects(project: string, { dated, bytes }: Eager, after: string, limit: number): Promise<Subject[]> {
    return this.database.query<Subject>(
      `SELECT t.transcript_id AS id, coalesce(s.id, r.session_id) AS session_id,
         coalesce(s.user_id, r.user_id) AS user_id, coalesce(r.status <> ALL ($6::text[]), true) AS over,
         (t.bytes + coalesce(p.bytes, 0))::double precision AS bytes,
         ${millisecondsSql('coalesce(p.oldest, t.oldest)')} AS oldest
       FROM transcripts.totals t LEFT JOIN LATERAL (
         SELECT sum(bytes) AS bytes, (array_agg(created_at ORDER BY seq))[1] AS oldest
         FROM transcripts.lineage p JOIN transcripts.segments o ON o.transcript_id = p.owner_id AND ${inPart}
         WHERE p.transcript_id = t.transcript_id AND o.removed IS NULL) p ON true
       LEFT JOIN sessions.sessions s ON s.id = t.transcript_id
       LEFT JOIN runs.runs r ON r.id = t.transcript_id
       WHERE coalesce(s.project_id, r.project_id) = $1 AND t.transcript_id > $2
         AND (coalesce(p.oldest, t.oldest) <= $3 OR t.bytes + coalesce(p.bytes, 0) > $4)
       ORDER BY t.transcript_id LIMIT $5`,
      [project, after, dated, bytes, limit, activeStatuses],
    );
  }

  pieces(behind: ReadonlyMap<string, number>, limit: number): Promise<Piece[]> {
    return this.database.query<Piece>(
      `SELECT * FROM (
         SELECT b.id AS subject_id, s.*, ${sharersSql} AS sharers,
           row_number() OVER (PARTITION BY b.id ORDER BY s.first_seq) AS n
         FROM unnest($1::uuid[], $2::bigint[]) AS b(id, seq)
         CROSS JOIN LATERAL ${partsOf('b.id')} p CROSS JOIN LATERAL (
         SELECT min(s.seq)::double precision AS first_seq, max(s.seq)::double precision AS last_seq,
           sum(s.bytes)::double precision AS bytes, ${millisecondsSql('max(s.created_at)')} AS dated,
           ${millisecondsSql('min(s.created_at)')} AS "from", ${millisecondsSql('max(s.created_at)')} AS "to",
           CASE WHEN p.owner_id = b.id THEN s.revision ELSE -1 END::double precision AS revision,
           array_remove(array_agg(DISTINCT s.run_id::text), NULL) AS run_ids,
           array_remove(array_agg(DISTINCT r.user_id::text), NULL) AS user_ids,
           coalesce(bool_and(r.status <> ALL ($4::text[])), true) AS over
         FROM transcripts.segments s LEFT JOIN runs.runs r ON r.id = s.run_id
         WHERE s.transcript_id = p.owner_id AND ${inPart} AND s.seq > b.seq AND s.removed IS NULL
         GROUP BY s.revision ORDER BY s.revision LIMIT $3) s) pieces
       WHERE n <= $3 ORDER BY subject_id, first_seq`,
      [arrayOf([...behind.keys()]), arrayOf([...behind.values()]), limit, activeStatuses],
    );
  }

  async belongsTo(removal: SegmentRange): Promise<Belonging> {
    const { state: session } = await this.streams.load(sessionDecider, sessionStream(removal.id));
    const named = await this.database.query<{ run_id: string }>(
      `SELECT DISTINCT run_id FROM ${partsOf('$1::uuid')} p
       JOIN transcripts.segments ON transcript_id = p.owner_id AND ${inPart}
       WHERE seq > $2 AND seq <= $3 AND run_id IS NOT NULL`,
      [removal.id, removal.after_seq, removal.through_seq],
    );
    const run_ids = named.map(({ run_id }) => run_id);
    if (session === undefined && !run_ids.includes(removal.id)) run_ids.push(removal.id);
    const loaded = await Promise.all(run_ids.map((id) => this.streams.load(runDecider, runStream(id))));
    const runs = loaded.flatMap(({ state }) => state ?? []);
    return {
      run_ids,
      session_id: session?.id ?? runs.find(({ id }) => id === removal.id)?.session_id ?? null,
      user_ids: [...(session === undefined ? [] : [session.user_id]), ...runs.map(({ user_id }) => user_id)],
      over: runs.every(isOver),
      sharers: await stillShown(this.streams, removal),
    };
  }

  /** What stays of the segments is written first. */
  async isRemoved({ id, through_seq }: RemovalRecord): Promise<boolean> {
    const { state } = await this.streams.load(purgedSegmentsDecider, purgedSegmentsStream(id));
    return state.through_seq >= through_seq;
  }

  async *lines({ id, after_seq, through_seq }: RemovalRecord): AsyncGenerator<string> {
    for (let behind: number | undefined = after_seq; behind !== undefined;) {
      const { segments, next } = await readTranscript(
        this.database,
        id,
        this.seeds,
        {
          ...{ view: 'full', order: 'asc', limit: segmentsOfPage },
          ...{ afterSeq: behind, beforeSeq: through_seq + 1 },
        },
        unlimited,
      );
      for (const { retention: _retention, ...segment } of segments) {
        yield `${JSON.stringify({ transcript_id: id, ...segment })}\n`;
      }
      behind = next;
    }
  }

  async remove(removals: readonly RemovalRecord[], cause: Cause, by: Causation): Promise<bigint> {
    const gone = new Map<string, number>();
    let newest = 0n;
    for (const removal of removals) {
      const position = await this.purge(removal, cause, by);
      if (position > newest) newest = position;
      // What belongs to others is theirs to remove.
      if (removal.revision === 0) continue;
      const stream = transcriptStream(removal.id);
      const { state } = await this.streams.load(transcriptDecider, stream);
      if (state.purged_seq < removal.through_seq) continue;
      await this.seeds.destroyThrough(removal.id, by.principal.projectId, state.purged_seq);
      gone.set(stream, removal.revision);
    }
    await this.store.truncateAllBefore(gone);
    return newest;
  }

  async stored(id: string): Promise<Stored> {
    const [stored] = await this.database.query<Stored>(
      `SELECT count(*) FILTER (WHERE removed IS NULL)::double precision AS count,
         coalesce(sum(bytes) FILTER (WHERE removed IS NULL), 0)::double precision AS bytes,
         ${millisecondsSql('(array_agg(created_at ORDER BY seq) FILTER (WHERE removed IS NULL))[1]')} AS oldest,
         count(*) FILTER (WHERE removed IS NOT NULL)::double precision AS purged_count,
         coalesce(sum(bytes) FILTER (WHERE removed IS NOT NULL), 0)::double precision AS purged_bytes,
         ARRAY(SELECT DISTINCT l.transcript_id::text FROM transcripts.lineage l
           JOIN sessions.sessions f ON f.id = l.transcript_id AND f.live
           WHERE l.owner_id = $1 ORDER BY 1 LIMIT 100) AS shared_with
       FROM ${partsOf('$1::uuid')} p JOIN transcripts.segments ON transcript_id = p.owner_id AND ${inPart}`,
      [id],
    );
    return stored ?? { count: 0, bytes: 0, oldest: null, purged_count: 0, purged_bytes: 0 };
  }

  private async purge(removal: RemovalRecord, cause: Cause, by: Causation): Promise<bigint> {
    const { id } = removal;
    const stream = transcriptStream(id);
    const { state } = await this.streams.load(transcriptDecider, stream);
    const events: RecordedEvent[] = [];
    if (!(await this.isRemoved(removal))) {
      const { revision } = removal;
      for await (const event of this.streams.read(stream)) {
        if (event.revision >= revision) break;
        events.push(event);
      }
    }
    const own = remains(events, state.redacted);
    const record = purgedSegmentsStream(id);
    const { state: told } = await this.streams.load(purgedSegmentsDecider, record);
    const shared = await remainsOfShared(this.database, state, told.through_seq, removal.through_seq);
    // Of what a fork shares, its source may have removed some before: it goes with the rest.
    const forks = state.shared.length > 0;
    const after_seq = forks ? told.through_seq : removal.after_seq;
    const kept = await this.streams.execute(purgedSegmentsDecider, record, by, (segments) =>
      keepOfSegments(segments, [...shared, ...own], after_seq, cause.archive !== undefined),
    );
    const { state: session } = await this.streams.load(sessionDecider, sessionStream(id));
    const owner = session === undefined ? {} : { session_id: id };
    const { position } = await this.streams.execute(transcriptDecider, stream, by, (transcript) =>
      purgeTranscript(
        transcript,
        forks ? { ...removal, after_seq: state.purged_seq } : removal,
        cause,
        owner,
      ),
    );
    return position ?? kept.position ?? 0n;
  }
}

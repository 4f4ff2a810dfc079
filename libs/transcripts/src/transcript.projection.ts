import type { Fact, RecordedEvent } from '#eventsourcing';
import { arrayOf, jsonLines } from '#postgres';
import type { Sql } from '#read-models';
import { chunks, Projection } from '#read-models';
import { idOf, LineageFold } from './lineage.fold.js';
import { redactionOf } from './transcript.decider.js';
import type {
  SegmentKind,
  SegmentRedacted,
  SegmentsAppended,
  SegmentsPurged,
  TranscriptCompacted,
  TranscriptFact,
  TranscriptForked,
} from './transcript.events.js';
import { purgedSegmentsStream, transcriptStream } from './transcript.events.js';

const streamPrefix = transcriptStream('');
const purgedPrefix = purgedSegmentsStream('');

interface SegmentRow {
  readonly transcript_id: string;
  readonly seq: number;
  /** Where it stands in the compact view: a summary in the place of the last segment it covers. */
  readonly place: number;
  readonly kind: SegmentKind;
  readonly role?: string | undefined;
  readonly run_id?: string | undefined;
  readonly metadata: string | null;
  readonly covers?: number;
  readonly bytes: number;
  readonly sealed: string;
  readonly created_at: string;
  readonly revision: number;
}

/** What stays of a segment that retention has removed. */
type RemovedRow = Omit<SegmentRow, 'metadata' | 'sealed' | 'revision'> & {
  readonly removed: 'purged' | 'archived';
  readonly redaction: string | null;
};

/** The newest summary of a transcript. */
interface Summary {
  readonly seq: number;
  readonly covers: number;
}

/**
 * The segments of transcripts, a row each, their contents as they are in the store: sealed. Who reads needs
 * the seeds too, so that content is gone from here as soon as its key is. What a fork shares has no rows of its own.
 */
export class TranscriptProjection extends Projection {
  readonly name = 'transcripts';
  readonly version = 3;
  readonly prefixes = [streamPrefix, purgedPrefix];

  readonly tables = `
    CREATE TABLE segments (
      transcript_id uuid NOT NULL,
      seq bigint NOT NULL,
      place bigint NOT NULL,
      kind text COLLATE "C" NOT NULL,
      role text COLLATE "C",
      run_id uuid,
      metadata text COLLATE "C",
      covers bigint,
      bytes int NOT NULL,
      sealed text COLLATE "C",
      redaction text COLLATE "C",
      created_at timestamptz NOT NULL,
      revision bigint,
      removed text COLLATE "C",
      PRIMARY KEY (transcript_id, seq)
    );
    -- What is sealed cannot be packed any further.
    ALTER TABLE segments ALTER COLUMN sealed SET STORAGE EXTERNAL;

    CREATE TABLE summaries (
      transcript_id uuid PRIMARY KEY,
      seq bigint NOT NULL,
      covers bigint NOT NULL
    );

    -- Of the segments that are there: those that retention has removed do not count.
    CREATE TABLE totals (
      transcript_id uuid PRIMARY KEY,
      bytes bigint NOT NULL,
      oldest timestamptz
    );
    ${LineageFold.tables}`;

  readonly indexes = `
    CREATE INDEX segments_place ON segments (transcript_id, place);
    CREATE INDEX segments_kind ON segments (transcript_id, kind, seq);
    ${LineageFold.indexes}`;

  async apply(sql: Sql, events: readonly RecordedEvent[]): Promise<void> {
    const rows: SegmentRow[] = [];
    const removed: RecordedEvent<SegmentsPurged>[] = [];
    const redacted: RecordedEvent<SegmentRedacted>[] = [];
    const forked: RecordedEvent<TranscriptForked>[] = [];
    const summaries = new Map<string, Summary>();
    for (const event of events) {
      const id = idOf(event);
      const fact = event as Fact as TranscriptFact | SegmentsPurged;
      if (fact.type === 'SegmentRedacted') redacted.push(event as RecordedEvent<SegmentRedacted>);
      else if (fact.type === 'SegmentsPurged') removed.push(event as RecordedEvent<SegmentsPurged>);
      else if (fact.type === 'TranscriptForked') forked.push(event as RecordedEvent<TranscriptForked>);
      else if (fact.type !== 'TranscriptPurged') rows.push(...rowsOf(id, fact, event));
      for (const summary of summariesOf(fact)) {
        if (summary.seq > (summaries.get(id)?.seq ?? 0)) summaries.set(id, summary);
      }
    }
    // A segment is always written before it is removed, and mostly before it is redacted.
    const written = Array.from(chunks(rows), (some) => this.store(sql, some));
    if (rows.length > 0) written.push(this.count(sql, rows));
    const taken = removed.flatMap(removedRows);
    written.push(...Array.from(chunks(taken), (some) => this.remove(sql, some)));
    if (taken.length > 0) written.push(this.recount(sql, new Set(taken.map((row) => row.transcript_id))));
    written.push(new LineageFold(sql).apply(forked, removed));
    await Promise.all([...written, this.redact(sql, redacted), this.summarise(sql, summaries)]);
  }

  private async store(sql: Sql, rows: readonly SegmentRow[]): Promise<void> {
    const column = (name: keyof SegmentRow): string => arrayOf(rows.map((row) => row[name]));
    await sql.query(
      `INSERT INTO segments (transcript_id, seq, place, kind, role, run_id, covers, bytes, sealed, created_at,
         revision, metadata)
       SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::uuid[],
         $7::bigint[], $8::int[], $9::text[], $10::timestamptz[], $11::bigint[],
         string_to_array($12, E'\\n', ''))`,
      [
        column('transcript_id'),
        ...(['seq', 'place', 'kind', 'role', 'run_id', 'covers', 'bytes', 'sealed'] as const).map(column),
        column('created_at'),
        column('revision'),
        jsonLines(rows.map(({ metadata }) => metadata)),
      ],
    );
  }

  private async count(sql: Sql, rows: readonly SegmentRow[]): Promise<void> {
    await sql.query(
      `INSERT INTO totals
       SELECT id, sum(bytes), (array_agg(created_at ORDER BY seq))[1]
       FROM unnest($1::uuid[], $2::bigint[], $3::int[], $4::timestamptz[]) AS r(id, seq, bytes, created_at)
       GROUP BY id
       ON CONFLICT (transcript_id) DO UPDATE SET bytes = totals.bytes + excluded.bytes,
         oldest = coalesce(totals.oldest, excluded.oldest)`,
      (['transcript_id', 'seq', 'bytes', 'created_at'] as const).map((name) =>
        arrayOf(rows.map((row) => row[name])),
      ),
    );
  }

  /** Without its content a row is the same, whether it was there before or not. */
  private async remove(sql: Sql, rows: readonly RemovedRow[]): Promise<void> {
    const column = (name: keyof RemovedRow): string => arrayOf(rows.map((row) => row[name]));
    const columns = ['transcript_id', 'seq', 'place', 'kind', 'role', 'run_id', 'covers', 'bytes'] as const;
    await sql.query(
      `INSERT INTO segments (transcript_id, seq, place, kind, role, run_id, covers, bytes, created_at, removed,
         redaction)
       SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::uuid[],
         $7::bigint[], $8::int[], $9::timestamptz[], $10::text[], string_to_array($11, E'\\n', ''))
       ON CONFLICT (transcript_id, seq) DO UPDATE SET sealed = NULL, metadata = NULL, revision = NULL,
         removed = excluded.removed`,
      [
        ...columns.map(column),
        column('created_at'),
        column('removed'),
        jsonLines(rows.map(({ redaction }) => redaction)),
      ],
    );
  }

  private async recount(sql: Sql, ids: ReadonlySet<string>): Promise<void> {
    await sql.query(
      `INSERT INTO totals
       SELECT t.id, coalesce(sum(s.bytes), 0), (array_agg(s.created_at ORDER BY s.seq))[1]
       FROM unnest($1::uuid[]) AS t(id) LEFT JOIN segments s ON s.transcript_id = t.id AND s.removed IS NULL
       GROUP BY t.id
       ON CONFLICT (transcript_id) DO UPDATE SET bytes = excluded.bytes, oldest = excluded.oldest`,
      [arrayOf([...ids])],
    );
  }

  private async redact(sql: Sql, events: readonly RecordedEvent<SegmentRedacted>[]): Promise<void> {
    if (events.length === 0) return;
    await sql.query(
      `UPDATE segments s SET kind = 'redacted', sealed = NULL, redaction = r.redaction
       FROM unnest($1::uuid[], $2::bigint[], string_to_array($3, E'\\n')) AS r(transcript_id, seq, redaction)
       WHERE s.transcript_id = r.transcript_id AND s.seq = r.seq`,
      [
        arrayOf(events.map(idOf)),
        arrayOf(events.map(({ data }) => data.seq)),
        jsonLines(events.map((event) => JSON.stringify(redactionOf(event, event.metadata)))),
      ],
    );
  }

  private async summarise(sql: Sql, summaries: ReadonlyMap<string, Summary>): Promise<void> {
    if (summaries.size === 0) return;
    const newest = [...summaries.values()];
    await sql.query(
      `INSERT INTO summaries SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[])
       ON CONFLICT (transcript_id) DO UPDATE SET seq = excluded.seq, covers = excluded.covers
       WHERE excluded.seq > summaries.seq`,
      [
        arrayOf([...summaries.keys()]),
        arrayOf(newest.map(({ seq }) => seq)),
        arrayOf(newest.map(({ covers }) => covers)),
      ],
    );
  }
}

function summariesOf(fact: TranscriptFact | SegmentsPurged): Summary[] {
  if (fact.type === 'TranscriptCompacted') return [fact.data];
  if (fact.type === 'TranscriptForked') {
    const { covers, summaries } = fact.data;
    return summaries.slice(-1).map((seq) => ({ seq, covers }));
  }
  if (fact.type !== 'SegmentsPurged') return [];
  return fact.data.segments.flatMap(({ covers }, n) =>
    covers === undefined ? [] : [{ seq: fact.data.first_seq + n, covers }],
  );
}

function rowsOf(
  transcript_id: string,
  fact: SegmentsAppended | TranscriptCompacted,
  { revision, metadata: { at: created_at } }: RecordedEvent,
): SegmentRow[] {
  if (fact.type === 'TranscriptCompacted') {
    const { seq, covers, bytes, sealed } = fact.data;
    const own = { transcript_id, seq, place: covers, kind: 'summary' as const, metadata: null };
    return [{ ...own, covers, bytes, sealed, created_at, revision }];
  }
  return fact.data.segments.map(({ metadata, id: _id, ...segment }, n) => ({
    ...segment,
    transcript_id,
    seq: fact.data.first_seq + n,
    place: fact.data.first_seq + n,
    metadata: metadata === undefined ? null : JSON.stringify(metadata),
    created_at,
    revision,
  }));
}

function removedRows(event: RecordedEvent<SegmentsPurged>): RemovedRow[] {
  const { first_seq, segments, archived } = event.data;
  return segments.map(({ redaction, ...segment }, n) => ({
    ...segment,
    transcript_id: idOf(event),
    seq: first_seq + n,
    place: segment.covers ?? first_seq + n,
    removed: archived ? 'archived' : 'purged',
    redaction: redaction === undefined ? null : JSON.stringify(redaction),
  }));
}

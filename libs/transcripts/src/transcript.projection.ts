import type { Fact, RecordedEvent } from '#eventsourcing';
import { arrayOf, jsonLines } from '#postgres';
import type { Sql } from '#read-models';
import { chunks, Projection } from '#read-models';
import { redactionOf } from './transcript.decider.js';
import type { SegmentKind, SegmentRedacted, TranscriptFact } from './transcript.events.js';
import { transcriptStream } from './transcript.events.js';

const streamPrefix = transcriptStream('');

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
}

/** The newest summary of a transcript. */
interface Summary {
  readonly seq: number;
  readonly covers: number;
}

/**
 * The segments of transcripts, a row each, their contents as they are in the store: sealed. Who reads needs
 * the seeds too, so that content is gone from here as soon as its key is.
 */
export class TranscriptProjection extends Projection {
  readonly name = 'transcripts';
  readonly version = 1;
  readonly prefixes = [streamPrefix];

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
      PRIMARY KEY (transcript_id, seq)
    );
    -- What is sealed cannot be packed any further.
    ALTER TABLE segments ALTER COLUMN sealed SET STORAGE EXTERNAL;

    CREATE TABLE summaries (
      transcript_id uuid PRIMARY KEY,
      seq bigint NOT NULL,
      covers bigint NOT NULL
    );`;

  readonly indexes = `
    CREATE INDEX segments_place ON segments (transcript_id, place);
    CREATE INDEX segments_kind ON segments (transcript_id, kind, seq);`;

  async apply(sql: Sql, events: readonly RecordedEvent[]): Promise<void> {
    const rows: SegmentRow[] = [];
    const redacted: RecordedEvent<SegmentRedacted>[] = [];
    const summaries = new Map<string, Summary>();
    for (const event of events) {
      const id = idOf(event);
      const fact = event as Fact as TranscriptFact;
      if (fact.type === 'SegmentRedacted') redacted.push(event as RecordedEvent<SegmentRedacted>);
      else rows.push(...rowsOf(id, fact, event.metadata.at));
      if (fact.type === 'TranscriptCompacted') summaries.set(id, fact.data);
    }
    // A segment is always written before it is redacted.
    const written = Array.from(chunks(rows), (some) => this.store(sql, some));
    await Promise.all([...written, this.redact(sql, redacted), this.summarise(sql, summaries)]);
  }

  private async store(sql: Sql, rows: readonly SegmentRow[]): Promise<void> {
    const column = (name: keyof SegmentRow): string => arrayOf(rows.map((row) => row[name]));
    await sql.query(
      `INSERT INTO segments (transcript_id, seq, place, kind, role, run_id, covers, bytes, sealed, created_at,
         metadata)
       SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::uuid[],
         $7::bigint[], $8::int[], $9::text[], $10::timestamptz[], string_to_array($11, E'\\n', ''))`,
      [
        column('transcript_id'),
        ...(['seq', 'place', 'kind', 'role', 'run_id', 'covers', 'bytes', 'sealed'] as const).map(column),
        column('created_at'),
        jsonLines(rows.map(({ metadata }) => metadata)),
      ],
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
       ON CONFLICT (transcript_id) DO UPDATE SET seq = excluded.seq, covers = excluded.covers`,
      [
        arrayOf([...summaries.keys()]),
        arrayOf(newest.map(({ seq }) => seq)),
        arrayOf(newest.map(({ covers }) => covers)),
      ],
    );
  }
}

const idOf = ({ stream }: RecordedEvent): string => stream.slice(streamPrefix.length);

function rowsOf(
  transcript_id: string,
  fact: Exclude<TranscriptFact, SegmentRedacted>,
  created_at: string,
): SegmentRow[] {
  if (fact.type === 'TranscriptCompacted') {
    const { seq, covers, bytes, sealed } = fact.data;
    const kind = 'summary' as const;
    return [{ transcript_id, seq, place: covers, kind, metadata: null, covers, bytes, sealed, created_at }];
  }
  return fact.data.segments.map(({ metadata, id: _id, ...segment }, n) => ({
    ...segment,
    transcript_id,
    seq: fact.data.first_seq + n,
    place: fact.data.first_seq + n,
    metadata: metadata === undefined ? null : JSON.stringify(metadata),
    created_at,
  }));
}

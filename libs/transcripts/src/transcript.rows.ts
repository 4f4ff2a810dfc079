import type { RecordedEvent } from '#eventsourcing';
import { arrayOf, textArray } from '#postgres';
import type { Sql } from '#read-models';
import { idOf } from './lineage.fold.js';
import { redactionOf } from './transcript.decider.js';
import type { SegmentKind, SegmentRedacted } from './transcript.events.js';

export interface SegmentRow {
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
export type RemovedRow = Omit<SegmentRow, 'metadata' | 'sealed' | 'revision'> & {
  readonly removed: 'purged' | 'archived';
  readonly redaction: string | null;
};

/** The newest summary of a transcript. */
export interface Summary {
  readonly seq: number;
  readonly covers: number;
}

export async function storeSegments(sql: Sql, rows: readonly SegmentRow[]): Promise<void> {
  const column = (name: keyof SegmentRow): string => arrayOf(rows.map((row) => row[name]));
  await sql.query(
    `INSERT INTO segments (transcript_id, seq, place, kind, role, run_id, covers, bytes, sealed, created_at,
       revision, metadata)
     SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::uuid[],
       $7::bigint[], $8::int[], $9::text[], $10::timestamptz[], $11::bigint[],
       $12::text[])`,
    [
      column('transcript_id'),
      ...(['seq', 'place', 'kind', 'role', 'run_id', 'covers', 'bytes', 'sealed'] as const).map(column),
      column('created_at'),
      column('revision'),
      textArray(rows.map(({ metadata }) => metadata)),
    ],
  );
}

/** Adds segments to the totals of their transcripts. */
export async function countSegments(sql: Sql, rows: readonly SegmentRow[]): Promise<void> {
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
export async function removeSegments(sql: Sql, rows: readonly RemovedRow[]): Promise<void> {
  const column = (name: keyof RemovedRow): string => arrayOf(rows.map((row) => row[name]));
  const columns = ['transcript_id', 'seq', 'place', 'kind', 'role', 'run_id', 'covers', 'bytes'] as const;
  await sql.query(
    `INSERT INTO segments (transcript_id, seq, place, kind, role, run_id, covers, bytes, created_at, removed,
       redaction)
     SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::uuid[],
       $7::bigint[], $8::int[], $9::timestamptz[], $10::text[], $11::text[])
     ON CONFLICT (transcript_id, seq) DO UPDATE SET sealed = NULL, metadata = NULL, revision = NULL,
       removed = excluded.removed`,
    [
      ...columns.map(column),
      column('created_at'),
      column('removed'),
      textArray(rows.map(({ redaction }) => redaction)),
    ],
  );
}

/** Makes the totals anew of the segments that are left. */
export async function recountSegments(sql: Sql, ids: ReadonlySet<string>): Promise<void> {
  await sql.query(
    `INSERT INTO totals
     SELECT t.id, coalesce(sum(s.bytes), 0), (array_agg(s.created_at ORDER BY s.seq))[1]
     FROM unnest($1::uuid[]) AS t(id) LEFT JOIN segments s ON s.transcript_id = t.id AND s.removed IS NULL
     GROUP BY t.id
     ON CONFLICT (transcript_id) DO UPDATE SET bytes = excluded.bytes, oldest = excluded.oldest`,
    [arrayOf([...ids])],
  );
}

export async function redactSegments(
  sql: Sql,
  events: readonly RecordedEvent<SegmentRedacted>[],
): Promise<void> {
  if (events.length === 0) return;
  await sql.query(
    `UPDATE segments s SET kind = 'redacted', sealed = NULL, redaction = r.redaction
     FROM unnest($1::uuid[], $2::bigint[], $3::text[]) AS r(transcript_id, seq, redaction)
     WHERE s.transcript_id = r.transcript_id AND s.seq = r.seq`,
    [
      arrayOf(events.map(idOf)),
      arrayOf(events.map(({ data }) => data.seq)),
      textArray(events.map((event) => JSON.stringify(redactionOf(event, event.metadata)))),
    ],
  );
}

export async function storeSummaries(sql: Sql, summaries: ReadonlyMap<string, Summary>): Promise<void> {
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

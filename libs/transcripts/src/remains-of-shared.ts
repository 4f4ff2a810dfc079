import { arrayOf } from '#postgres';
import type { Sql } from '#read-models';
import { clipped } from './clipped.decider.js';
import type { Redaction, TranscriptState } from './transcript.decider.js';
import type { PurgedSegment, SegmentKind } from './transcript.events.js';

interface Row {
  readonly kind: SegmentKind;
  readonly role: string | null;
  readonly run_id: string | null;
  readonly bytes: number;
  readonly covers: number | null;
  readonly redaction: string | null;
  readonly created_at: Date;
}

/** What stays, in a fork that lets them go, of the segments that it shares: those behind one, up to another. */
export async function remainsOfShared(
  sql: Sql,
  { shared }: TranscriptState,
  after: number,
  through: number,
): Promise<PurgedSegment[]> {
  const ranges = clipped(shared, after, through);
  if (ranges.length === 0) return [];
  const rows = await sql.query<Row>(
    `SELECT kind, role, run_id, bytes, covers::double precision AS covers, redaction, created_at
     FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS r(owner, after, through)
     JOIN transcripts.segments s ON s.transcript_id = r.owner AND s.seq > r.after AND s.seq <= r.through
     ORDER BY s.seq`,
    (['owner', 'after_seq', 'through_seq'] as const).map((name) => arrayOf(ranges.map((one) => one[name]))),
  );
  return rows.map(({ kind, role, run_id, bytes, covers, redaction, created_at }) => ({
    kind,
    ...(role !== null && { role }),
    ...(run_id !== null && { run_id }),
    bytes,
    ...(covers !== null && { covers }),
    ...(redaction !== null && { redaction: JSON.parse(redaction) as Redaction }),
    created_at: created_at.toISOString(),
  }));
}

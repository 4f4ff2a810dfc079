import type { JsonObject } from '#eventsourcing';
import { pageBytes, type Sql, Where } from '#read-models';
import { type Unseal, unsealingWith } from './sealing.js';
import type { Redaction } from './transcript.decider.js';
import type { SegmentKind } from './transcript.events.js';
import type { SegmentResource } from './transcript.resource.js';
import type { RetentionOf } from './segment-retentions.js';
import type { TranscriptSeeds } from './transcript-seeds.js';

/** Which segments of a transcript are wanted; all that is given must hold. */
export interface TranscriptFilter {
  readonly view: 'compact' | 'full';
  /** Only segments whose `seq` is greater, and less. */
  readonly afterSeq: number;
  readonly beforeSeq: number;
  readonly kinds?: readonly SegmentKind[] | undefined;
  readonly order: 'asc' | 'desc';
  /** Place of the last segment that the caller has seen. */
  readonly seen?: number | undefined;
  readonly limit: number;
}

export interface TranscriptPage {
  readonly segments: SegmentResource[];
  /** Where the next page goes on; undefined when nothing follows. */
  readonly next: number | undefined;
}

interface Row {
  owner_id: string;
  seq: string;
  place: string;
  kind: SegmentKind;
  role: string | null;
  run_id: string | null;
  metadata: string | null;
  covers: string | null;
  sealed: string | null;
  redaction: string | null;
  created_at: Date;
  removed: 'purged' | 'archived' | null;
  found: number;
}

/**
 * One page of a transcript. A segment whose key is gone shows as redacted, even before its row says so,
 * one that retention has removed as what it was, without content. A fork's has the segments that it shares.
 */
export async function readTranscript(
  sql: Sql,
  id: string,
  seeds: Pick<TranscriptSeeds, 'of'>,
  filter: TranscriptFilter,
  retentionOf: RetentionOf,
): Promise<TranscriptPage> {
  const rows = await readRows(sql, id, filter);
  const shown = rows.slice(0, filter.limit);
  const unseals = new Map<string, Unseal>();
  for (const owner of new Set(shown.map((row) => row.owner_id)))
    unseals.set(owner, unsealingWith(await seeds.of(owner)));
  const last = shown.at(-1);
  const more = last !== undefined && last.found > shown.length;
  return {
    segments: shown.map((row) => segment(row, unseals.get(row.owner_id) as Unseal, retentionOf)),
    next: more ? Number(filter.view === 'full' ? last.seq : last.place) : undefined,
  };
}

/**
 * Whose segments a transcript shows, as SQL: its own, and those that it shares, of which each owner's are within two
 * `seq`. @param id SQL of the transcript's id
 */
export const partsOf = (id: string): string =>
  `(SELECT owner_id, after_seq, through_seq FROM transcripts.lineage WHERE transcript_id = ${id}
    UNION ALL SELECT ${id}, 0, ${Number.MAX_SAFE_INTEGER})`;

/** Whether a segment of the owner is in the part `p`, as SQL. */
export const inPart = 'seq > p.after_seq AND seq <= p.through_seq';

/** At most one row more than asked for. */
async function readRows(sql: Sql, id: string, filter: TranscriptFilter): Promise<Row[]> {
  const { view, order, seen, kinds, limit } = filter;
  const where = new Where();
  const parts = partsOf(`${where.value(id)}::uuid`);
  where.and(
    `transcript_id = p.owner_id AND ${inPart} AND seq > ? AND seq < ?`,
    filter.afterSeq,
    filter.beforeSeq,
  );
  const key = view === 'full' ? 'seq' : 'place';
  if (view === 'compact') {
    const [summary] = await sql.query<{ seq: string; covers: string }>(
      'SELECT seq, covers FROM transcripts.summaries WHERE transcript_id = $1',
      [id],
    );
    if (summary !== undefined) {
      const { covers, seq } = summary;
      where.and('place >= ? AND (place > ? OR seq = ?)', covers, covers, seq);
    }
  }
  if (kinds !== undefined) where.and('kind = ANY (?::text[])', kinds);
  if (seen !== undefined) where.and(`${key} ${order === 'asc' ? '>' : '<'} ?`, seen);
  return sql.query<Row>(
    `SELECT * FROM (
       SELECT owner_id, seq, place, kind, role, run_id, metadata, covers, sealed, redaction, created_at, removed,
         count(*) OVER ()::int AS found,
         sum(bytes) OVER (ORDER BY ${key} ${order} ROWS UNBOUNDED PRECEDING) - bytes AS bytes_before
       FROM (SELECT * FROM ${parts} p CROSS JOIN LATERAL (
           SELECT * FROM transcripts.segments WHERE ${where.sql} ORDER BY ${key} ${order} LIMIT ${limit + 1}) own
         ORDER BY ${key} ${order} LIMIT ${limit + 1}) found) sized
     WHERE bytes_before < ${pageBytes} ORDER BY ${key} ${order}`,
    where.values,
  );
}

function segment(row: Row, unseal: Unseal, retentionOf: RetentionOf): SegmentResource {
  const seq = Number(row.seq);
  const content = row.sealed === null ? undefined : unseal(seq, row.sealed);
  return {
    seq,
    kind: content === undefined && row.removed === null ? 'redacted' : row.kind,
    ...(row.role !== null && { role: row.role }),
    content: content ?? null,
    ...(row.run_id !== null && { run_id: row.run_id }),
    metadata: row.metadata === null ? {} : (JSON.parse(row.metadata) as JsonObject),
    created_at: row.created_at.toISOString(),
    ...(row.covers !== null && { covers: Number(row.covers) }),
    ...(row.redaction !== null && { redaction: JSON.parse(row.redaction) as Redaction }),
    retention: retentionOf(row),
  };
}

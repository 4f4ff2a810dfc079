import type { Pool } from 'pg';
import type { DigestedEvent, EventMetadata, Fact, RecordedEvent } from '#eventsourcing';
import { query, queryArrays } from '#postgres';

/** The columns of `columns`, behind the head. */
type Row = [
  head: string,
  position: string | null,
  revision: string,
  id: string,
  stream: string,
  type: string,
  metadata: EventMetadata,
  data: Fact['data'],
];

/** Some events, and the position of the last event of the store when they were read. */
export interface Page {
  readonly events: RecordedEvent[];
  readonly head: bigint;
  /** Characters of data in the page. */
  readonly size: number;
  /** True when there may be more of them now. */
  readonly full: boolean;
}

const columns = 'e.position, e.revision, e.id, e.stream, e.type, e.metadata, e.data';
/** Reads a page of the global order, after a position, of streams with these prefixes. */
export function readAllPage(
  pool: Pool,
  after: bigint,
  prefixes: readonly string[],
  limit: number,
): Promise<Page> {
  return page(
    pool,
    `SELECT h.head, ${columns} FROM (SELECT coalesce(max(position), 0) AS head FROM eventstore.events) h
     LEFT JOIN LATERAL (
       SELECT * FROM eventstore.events e WHERE e.position > $1 ${startingWith(prefixes)}
       ORDER BY e.position LIMIT $2) e ON true`,
    [after, limit, ...prefixes],
    limit,
  );
}

/** The condition for them, whose parameters begin with the third. */
const startingWith = (prefixes: readonly string[]): string => {
  const filter = prefixes.map((_, n) => `e.stream ^@ $${String(n + 3)}`).join(' OR ');
  return filter && `AND (${filter})`;
};

/** Reads some events of the global order, digested where they lie: what is stored is the text that JSON.stringify gave. */
export async function readDigestsPage(
  pool: Pool,
  after: bigint,
  prefixes: readonly string[],
  limit: number,
): Promise<DigestedEvent[]> {
  const { rows } = await query<
    Omit<DigestedEvent, 'position' | 'revision'> & Record<'at' | 'number', string>
  >(pool, {
    text: `SELECT e.position AS at, e.revision AS number, e.id, e.stream, e.type,
         encode(sha256(convert_to(',"metadata":' || e.metadata::text || ',"data":' || e.data::text, 'UTF8')), 'hex')
           AS digest
       FROM eventstore.events e WHERE e.position > $1 ${startingWith(prefixes)} ORDER BY e.position LIMIT $2`,
    values: [after, limit, ...prefixes],
  });
  return rows.map(({ at, number, ...row }) => ({ ...row, position: BigInt(at), revision: Number(number) }));
}

/** Reads a page of one stream from a revision on, or before it. */
export function readStreamPage(
  pool: Pool,
  stream: string,
  direction: 'forwards' | 'backwards',
  from: number | undefined,
  limit: number,
): Promise<Page> {
  const [compare, order] = direction === 'forwards' ? ['>=', 'ASC'] : ['<=', 'DESC'];
  const start = from ?? (direction === 'forwards' ? 0 : Number.MAX_SAFE_INTEGER);
  return page(
    pool,
    `SELECT h.head, ${columns} FROM (SELECT coalesce(max(position), 0) AS head FROM eventstore.events) h
     LEFT JOIN LATERAL (
       SELECT * FROM eventstore.events e WHERE e.stream = $1 AND e.revision ${compare} $2
       ORDER BY e.revision ${order} LIMIT $3) e ON true`,
    [stream, start, limit],
    limit,
  );
}

const json = 114;

async function page(pool: Pool, text: string, values: unknown[], limit: number): Promise<Page> {
  const events: RecordedEvent[] = [];
  let size = 0;
  const parsed = (value: string): unknown => {
    size += value.length;
    return JSON.parse(value);
  };
  // JSON is parsed row by row as it arrives: its text need not outlive the row. All else stays text.
  const types = { getTypeParser: (type: number) => (type === json ? parsed : (value: string) => value) };
  const rows = await queryArrays<Row>(pool, { text, values, types });
  for (const [, position, revision, id, stream, type, metadata, data] of rows) {
    if (position === null) continue;
    events.push({ position: BigInt(position), revision: Number(revision), id, stream, type, metadata, data });
  }
  return { events, head: BigInt(rows[0]?.[0] ?? 0), size, full: events.length >= limit };
}

/** What a page should hold at most, in characters of data. */
export const targetSize = 4 * 1024 * 1024;

/** How many events to ask for next, so that a page of large events stays near 4 MiB. */
export function nextLimit(limit: number, last: Page, most: number): number {
  if (last.events.length === 0) return limit;
  const average = Math.max(1, last.size / last.events.length);
  return Math.max(1, Math.min(most, limit * 4, Math.floor(targetSize / average)));
}

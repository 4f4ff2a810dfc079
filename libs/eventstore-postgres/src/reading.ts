import type { Pool, QueryResultRow } from 'pg';
import type { Fact, RecordedEvent, EventMetadata } from '#eventsourcing';
import { query } from '#postgres';

interface Row extends QueryResultRow {
  position: string | null;
  revision: string;
  id: string;
  stream: string;
  type: string;
  metadata: string;
  data: string;
  head: string;
}

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
/** Every column comes as the text that it is on the wire. */
const types = { getTypeParser: () => (value: string) => value };

/** Reads a page of the global order, after a position, of streams with these prefixes. */
export function readAllPage(
  pool: Pool,
  after: bigint,
  prefixes: readonly string[],
  limit: number,
): Promise<Page> {
  const filter = prefixes.map((_, n) => `e.stream ^@ $${String(n + 3)}`).join(' OR ');
  return page(
    pool,
    `SELECT h.head, ${columns} FROM (SELECT coalesce(max(position), 0) AS head FROM eventstore.events) h
     LEFT JOIN LATERAL (
       SELECT * FROM eventstore.events e WHERE e.position > $1 ${filter && `AND (${filter})`}
       ORDER BY e.position LIMIT $2) e ON true`,
    [after, limit, ...prefixes],
    limit,
  );
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

async function page(pool: Pool, text: string, values: unknown[], limit: number): Promise<Page> {
  const { rows } = await query<Row>(pool, { text, values, types });
  const events: RecordedEvent[] = [];
  let size = 0;
  for (const row of rows) {
    if (row.position === null) continue;
    size += row.data.length;
    events.push({
      position: BigInt(row.position),
      revision: Number(row.revision),
      id: row.id,
      stream: row.stream,
      type: row.type,
      metadata: JSON.parse(row.metadata) as EventMetadata,
      data: JSON.parse(row.data) as Fact['data'],
    });
  }
  return { events, head: BigInt(rows[0]?.head ?? 0), size, full: events.length >= limit };
}

/** What a page should hold at most, in characters of data. */
export const targetSize = 4 * 1024 * 1024;

/** How many events to ask for next, so that a page of large events stays near 4 MiB. */
export function nextLimit(limit: number, last: Page, most: number): number {
  if (last.events.length === 0) return limit;
  const average = Math.max(1, last.size / last.events.length);
  return Math.max(1, Math.min(most, limit * 4, Math.floor(targetSize / average)));
}

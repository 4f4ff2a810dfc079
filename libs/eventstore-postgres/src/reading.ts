import type { Pool } from 'pg';
import type { EventDigest, EventMetadata, Fact, RecordedEvent } from '#eventsourcing';
import { queryArrays } from '#postgres';

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

type DigestRow = [
  position: string,
  revision: string,
  id: string,
  stream: string,
  type: string,
  digest: string,
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

const columns = 'e.position, e.revision, e.id, e.stream, e.type, e.metadata, coalesce(e.data, e.bulk)';

const filterOf = (prefixes: readonly string[]): string =>
  prefixes.length === 0
    ? ''
    : `AND (${prefixes.map((_, n) => `e.stream ^@ $${String(n + 3)}`).join(' OR ')})`;

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
       SELECT * FROM eventstore.events e WHERE e.position > $1 ${filterOf(prefixes)}
       ORDER BY e.position LIMIT $2) e ON true`,
    [after, limit, ...prefixes],
    limit,
  );
}

/** Reads a page of the global order backwards, before a position, of streams with these prefixes. */
export function readAllPageBefore(
  pool: Pool,
  before: bigint,
  prefixes: readonly string[],
  limit: number,
): Promise<Page> {
  return page(
    pool,
    `SELECT 0 AS head, ${columns} FROM eventstore.events e WHERE e.position < $1 ${filterOf(prefixes)}
     ORDER BY e.position DESC LIMIT $2`,
    [before, limit, ...prefixes],
    limit,
  );
}

/**
 * Reads forwards as events stand in an export, but for the content: its digest is made where it lies. What a value
 * of type json is sent as are the bytes of its text; as `::text` it would be copied three times more.
 */
export async function readDigestPage(
  pool: Pool,
  after: bigint,
  prefixes: readonly string[],
  limit: number,
): Promise<EventDigest[]> {
  const rows = await queryArrays<DigestRow>(pool, {
    text: `SELECT e.position, e.revision, e.id, e.stream, e.type, encode(sha256(convert_to(
        ',"metadata":' || e.metadata::text || ',"data":', 'UTF8') || json_send(coalesce(e.data, e.bulk))), 'hex')
      FROM eventstore.events e WHERE e.position > $1 ${filterOf(prefixes)} ORDER BY e.position LIMIT $2`,
    values: [after, limit, ...prefixes],
  });
  return rows.map(([position, revision, id, stream, type, digest]) => ({
    ...{ position: BigInt(position), revision: Number(revision), id, stream, type, digest },
  }));
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
  // Events that were appended together have the same metadata mostly, which is then parsed once for all of them.
  let last: { readonly text: string; readonly metadata: unknown } = { text: '', metadata: undefined };
  let isMetadata = false;
  const parsed = (value: string): unknown => {
    size += value.length;
    isMetadata = !isMetadata;
    if (!isMetadata) return JSON.parse(value);
    if (value !== last.text) last = { text: value, metadata: JSON.parse(value) };
    return last.metadata;
  };
  // JSON is parsed row by row as it arrives, metadata before data: its text need not outlive the row. All else stays text.
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

/** Events that are asked for at first. */
export const firstPage = 64;
/** Events in one page of a read; how large they are bounds a page too. */
const mostAtOnce = 4_000;

/**
 * Yields page after page, each read behind the last event of the one before.
 * @param most events in all
 */
export async function* paged(
  most = Infinity,
  read: (size: number, last?: RecordedEvent) => Promise<Page>,
): AsyncGenerator<RecordedEvent> {
  let last: RecordedEvent | undefined;
  let size = Math.min(most, firstPage);
  for (let left = most; left > 0; size = Math.min(left, size)) {
    const page = await read(size, last);
    yield* page.events;
    last = page.events.at(-1);
    if (last === undefined || page.events.length < size) return;
    left -= page.events.length;
    size = nextLimit(size, page, mostAtOnce);
  }
}

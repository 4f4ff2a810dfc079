import { LargePage, pageBytes, type Sql } from '#read-models';
import type { LogExtent } from './log-extent.js';
import { streamBits } from './log.projection.js';
import type { LogLine, LogStream } from './log.events.js';

export interface LogEntry extends LogLine {
  readonly seq: number;
}

/** Which lines of a run are wanted; all that is given must hold. */
export interface LogFilter {
  /** Only lines behind this one. */
  readonly afterSeq: number;
  /** Only lines before this one. */
  readonly beforeSeq: number;
  /** Time range: `from` inclusive, `to` exclusive; RFC 3339 UTC with milliseconds. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly streams?: readonly LogStream[] | undefined;
  readonly levels?: readonly string[] | undefined;
  /** Part of the message, as it is written. */
  readonly q?: string | undefined;
}

export interface LogPage {
  readonly entries: LogEntry[];
  /** Whether there may be more lines in this direction. */
  readonly more: boolean;
}

interface Chunk {
  first_seq: string;
  entries: string;
  /** How many chunks the statement had found before it left out what would be too much at once. */
  found: number;
}

const chunksAtOnce = 1_000;
const bytesAtOnce = 1024 * 1024;

/**
 * Reads lines by walking the chunks that may hold some, a MiB of them at once, or one.
 * @param order `asc`: the first lines that match, oldest first; `desc`: the last ones, newest first
 */
export async function readLog(
  sql: Sql,
  runId: string,
  filter: LogFilter,
  order: 'asc' | 'desc',
  limit: number,
): Promise<LogPage> {
  const page = new LargePage();
  try {
    return await walk(sql, runId, filter, order, limit, page);
  } finally {
    page.end();
  }
}

async function walk(
  sql: Sql,
  runId: string,
  filter: LogFilter,
  order: 'asc' | 'desc',
  limit: number,
  page: LargePage,
): Promise<LogPage> {
  const earliest = filter.from === undefined ? undefined : await earliestStart(sql, runId, filter.from);
  const matches = matcher(filter);
  const entries: LogEntry[] = [];
  let { afterSeq, beforeSeq } = filter;
  let lines = filter.levels || filter.streams || filter.q !== undefined ? Infinity : limit + 1;
  let size = 0;
  for (;;) {
    const atMost = Math.min(chunksAtOnce, lines);
    const wanted = { ...filter, afterSeq, beforeSeq };
    const chunks = await readChunks(sql, runId, wanted, earliest, order, atMost, lines);
    for (const chunk of chunks) {
      const found = matching(chunk, matches, order);
      for (const entry of found.entries) {
        if (entries.length === limit) return { entries, more: true };
        entries.push(entry);
      }
      size += chunk.entries.length * (found.entries.length / found.lines);
      if (order === 'asc') afterSeq = Number(chunk.first_seq) + found.lines - 1;
      else beforeSeq = Number(chunk.first_seq);
      if (size > pageBytes) return { entries, more: true };
    }
    const [first] = chunks;
    if (first === undefined || (chunks.length === first.found && first.found < atMost)) {
      return { entries, more: false };
    }
    lines = Infinity;
    await page.grown(size);
  }
}

/** What there is of a log, as its rows have it. */
export async function extentOf(sql: Sql, runId: string): Promise<LogExtent> {
  const [run] = await sql.query<{ last_seq: string; purged_seq: string; purged: LogExtent['purged'] | null }>(
    'SELECT last_seq, purged_seq, purged FROM logs.runs WHERE run_id = $1',
    [runId],
  );
  const [last_seq, purged_seq] = [Number(run?.last_seq ?? 0), Number(run?.purged_seq ?? 0)];
  return { last_seq, purged_seq, purged: run?.purged ?? undefined };
}

/** Where the earliest chunk that can reach into a time range from `from` on may start. */
async function earliestStart(sql: Sql, runId: string, from: string): Promise<string> {
  const [run] = await sql.query<{ span_ms: string }>(
    'SELECT extract(epoch FROM max_span) * 1000 AS span_ms FROM logs.runs WHERE run_id = $1',
    [runId],
  );
  const start = Date.parse(from) - Number(run?.span_ms ?? 0);
  return new Date(Math.max(start, Date.parse('0001-01-01T00:00:00Z'))).toISOString();
}

/** The next chunks that may hold matching lines, as many as are needed for that many lines at best. */
async function readChunks(
  sql: Sql,
  runId: string,
  filter: LogFilter,
  earliest: string | undefined,
  order: 'asc' | 'desc',
  atMost: number,
  lines: number,
): Promise<Chunk[]> {
  const values: unknown[] = [];
  const value = (given: unknown): string => `$${String(values.push(given))}`;
  const run = value(runId);
  const after = value(filter.afterSeq);
  const before = value(filter.beforeSeq);
  const conditions = [
    `run_id = ${run}`,
    `last_seq > ${after}::bigint`,
    `first_seq < ${before}::bigint`,
    // The chunk in which the walk starts, found by its key.
    `first_seq >= coalesce((SELECT max(first_seq) FROM logs.chunks
       WHERE run_id = ${run} AND first_seq <= ${after}::bigint + 1), 0)`,
  ];
  if (filter.from !== undefined && earliest !== undefined) {
    conditions.push(`from_ts >= ${value(earliest)}`, `to_ts >= ${value(filter.from)}`);
  }
  if (filter.to !== undefined) conditions.push(`from_ts < ${value(filter.to)}`);
  if (filter.streams) conditions.push(`streams & ${value(streamBits(filter.streams))} <> 0`);
  if (filter.levels) conditions.push(`levels && ${value(filter.levels)}`);
  if (filter.q !== undefined) {
    conditions.push(`position(${value(JSON.stringify(filter.q).slice(1, -1))} IN entries) > 0`);
  }
  const sums = `OVER (ORDER BY first_seq ${order} ROWS UNBOUNDED PRECEDING)`;
  return sql.query<Chunk>(
    `SELECT first_seq, entries, found FROM (
       SELECT first_seq, entries, count(*) OVER ()::int AS found,
         sum(octet_length(entries)) ${sums} - octet_length(entries) AS bytes_before,
         sum(lines) ${sums} - lines AS lines_before
       FROM (
         SELECT first_seq, entries,
           least(last_seq, ${before}::bigint - 1) - greatest(first_seq, ${after}::bigint + 1) + 1 AS lines
         FROM logs.chunks WHERE ${conditions.join(' AND ')}
         ORDER BY first_seq ${order} LIMIT ${value(atMost)}) found) sized
     WHERE bytes_before < ${value(bytesAtOnce)} AND lines_before < ${value(Math.min(lines, Number.MAX_SAFE_INTEGER))}
     ORDER BY first_seq ${order}`,
    values,
  );
}

function matching(
  chunk: Chunk,
  matches: (line: LogLine, seq: number) => boolean,
  order: 'asc' | 'desc',
): { entries: LogEntry[]; lines: number } {
  const first = Number(chunk.first_seq);
  const lines = JSON.parse(chunk.entries) as LogLine[];
  const entries: LogEntry[] = [];
  lines.forEach((line, n) => {
    if (matches(line, first + n)) entries.push({ seq: first + n, ...line });
  });
  return { entries: order === 'asc' ? entries : entries.reverse(), lines: lines.length };
}

/** Whether a line is wanted. */
export function matcher({ afterSeq, beforeSeq, from, to, streams, levels, q }: LogFilter) {
  return (line: LogLine, seq: number): boolean =>
    seq > afterSeq &&
    seq < beforeSeq &&
    (from === undefined || line.ts >= from) &&
    (to === undefined || line.ts < to) &&
    (streams === undefined || streams.includes(line.stream)) &&
    (levels === undefined || (line.level !== undefined && levels.includes(line.level))) &&
    (q === undefined || line.message.includes(q));
}

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Client } from 'pg';
import { fold, type RecordedEvent, uuidv7 } from '#eventsourcing';
import type { Sql } from '#read-models';
import { type Database, freshDatabase } from '../../../test/support/database.js';
import { appendLog } from './log-changes.decider.js';
import { logDecider } from './log.decider.js';
import { type LogAppended, type LogLine, logStreamOf, logStreams } from './log.events.js';
import { LogProjection } from './log.projection.js';
import { type LogEntry, type LogFilter, readLog } from './log-reader.js';

let database: Database;
let client: Client;
const projection = new LogProjection();
const sql: Sql = {
  query: async <Row extends object>(text: string, values: readonly unknown[] = []) =>
    (await client.query<Row>(text, [...values])).rows,
};

beforeAll(async () => {
  database = await freshDatabase();
  client = new Client({ connectionString: database.url });
  await client.connect();
});

afterAll(async () => {
  await client.end();
  await database.drop();
});

async function emptyTables(): Promise<void> {
  await client.query('DROP SCHEMA IF EXISTS logs CASCADE; CREATE SCHEMA logs; SET search_path TO logs');
  await client.query(projection.tables);
  await client.query(projection.indexes);
}

beforeEach(emptyTables);

/** What the requests, each with some lines, leave in the stream of a run. */
function recorded(runId: string, requests: readonly (readonly LogLine[])[]): RecordedEvent<LogAppended>[] {
  const events: RecordedEvent<LogAppended>[] = [];
  for (const lines of requests) {
    for (const fact of appendLog(fold(logDecider, events), lines)) {
      events.push({
        ...fact,
        id: uuidv7(),
        stream: logStreamOf(runId),
        revision: events.length,
        position: BigInt(events.length),
        metadata: {
          $correlationId: 'c',
          $causationId: 'c',
          actor: 'a',
          project: 'default',
          at: '2026-01-01T00:00:30.000Z',
        },
      });
    }
  }
  return events;
}

async function project(events: readonly RecordedEvent[], batch: number): Promise<void> {
  for (let n = 0; n < events.length; n += batch) await projection.apply(sql, events.slice(n, n + batch));
}

const rows = async (): Promise<unknown[]> => [
  await sql.query('SELECT * FROM chunks ORDER BY run_id, first_seq'),
  await sql.query(
    'SELECT run_id, last_seq, bytes, max_span::text, oldest, purged_seq FROM runs ORDER BY run_id',
  ),
];

const words = ['error', 'Error', 'a"b', 'c\\d', 'x\ny', 'ä😀', '', '\u2028', '100%', "it's"];
const start = Date.parse('2026-01-01T00:00:00Z');
const time = (second: number): string => new Date(start + second * 1_000).toISOString();

const aLine = fc.record(
  {
    ts: fc.nat(60).map(time),
    stream: fc.constantFrom(...logStreams),
    level: fc.constantFrom('info', 'warn', 'error'),
    message: fc.array(fc.constantFrom(...words), { maxLength: 3 }).map((some) => some.join(' ')),
    attributes: fc.constant({ error: 'a"b' }),
  },
  { requiredKeys: ['ts', 'stream', 'message'] },
) as fc.Arbitrary<LogLine>;
const requests = fc.array(fc.array(aLine, { minLength: 1, maxLength: 5 }), { maxLength: 12 });

const everything = { afterSeq: 0, beforeSeq: Number.MAX_SAFE_INTEGER };
const aFilter = fc.record(
  {
    afterSeq: fc.nat(40),
    beforeSeq: fc.nat(60),
    from: fc.nat(60).map(time),
    to: fc.nat(60).map(time),
    streams: fc.subarray([...logStreams], { minLength: 1 }),
    levels: fc.subarray(['info', 'warn', 'nope'], { minLength: 1 }),
    q: fc.constantFrom(...words.filter((word) => word !== ''), 'r E', 'nope'),
  },
  { requiredKeys: [] },
);

/** What is to be found, said plainly. */
function plainly(events: readonly RecordedEvent<LogAppended>[], filter: Partial<LogFilter>): LogEntry[] {
  const all = events.flatMap(({ data }) => data.entries).map((line, n) => ({ seq: n + 1, ...line }));
  return all.filter(
    (entry) =>
      entry.seq > (filter.afterSeq ?? 0) &&
      entry.seq < (filter.beforeSeq ?? Infinity) &&
      Date.parse(entry.ts) >= Date.parse(filter.from ?? time(0)) &&
      Date.parse(entry.ts) < Date.parse(filter.to ?? time(61)) &&
      (filter.streams ?? logStreams).includes(entry.stream) &&
      (filter.levels?.includes(entry.level ?? '') ?? true) &&
      entry.message.includes(filter.q ?? ''),
  );
}

async function walk(
  runId: string,
  filter: LogFilter,
  order: 'asc' | 'desc',
  limit: number,
): Promise<LogEntry[]> {
  const found: LogEntry[] = [];
  for (;;) {
    const seen = found.at(-1)?.seq;
    const rest =
      seen === undefined ? filter : { ...filter, [order === 'asc' ? 'afterSeq' : 'beforeSeq']: seen };
    const { entries, more } = await readLog(sql, runId, rest, order, limit);
    found.push(...entries);
    if (!more) return found;
    expect(entries).toHaveLength(limit);
  }
}

describe('the projection of logs', () => {
  test('has one row for each append, with the lines as they were stored', async () => {
    const runId = uuidv7();
    const lines: LogLine[] = [
      { ts: time(5), stream: 'stderr', level: 'warn', message: 'one "two" \\n' },
      { ts: time(3), stream: 'stdout', level: 'info', message: 'ä😀\n' },
      { ts: time(4), stream: 'stdout', message: '', attributes: { a: [1, null] } },
    ];
    await project(recorded(runId, [lines, lines.slice(2)]), 10);
    const [chunks, runs] = await rows();
    const entries = (some: LogLine[]): string => JSON.stringify(some);
    expect(chunks).toEqual([
      {
        ...{
          run_id: runId,
          first_seq: '1',
          last_seq: '3',
          from_ts: new Date(time(3)),
          to_ts: new Date(time(5)),
        },
        ...{ streams: 3, levels: ['info', 'warn'], entries: entries(lines) },
        ...{ dated: new Date(time(5)), revision: '0' },
      },
      {
        ...{
          run_id: runId,
          first_seq: '4',
          last_seq: '4',
          from_ts: new Date(time(4)),
          to_ts: new Date(time(4)),
        },
        ...{ streams: 1, levels: [], entries: entries(lines.slice(2)) },
        ...{ dated: new Date(time(4)), revision: '1' },
      },
    ]);
    const bytes = Buffer.byteLength(entries(lines)) + Buffer.byteLength(entries(lines.slice(2)));
    expect(runs).toEqual([
      {
        ...{ run_id: runId, last_seq: '4', bytes: String(bytes), max_span: '00:00:02' },
        ...{ oldest: new Date(time(5)), purged_seq: '0' },
      },
    ]);
  });

  test('has the same rows whatever the batches', async () => {
    await fc.assert(
      fc.asyncProperty(requests, requests, fc.integer({ min: 1, max: 7 }), async (some, others, batch) => {
        const [one, two] = [recorded(uuidv7(), some), recorded(uuidv7(), others)];
        const events = [...one, ...two].sort((a, b) => a.revision - b.revision);
        await emptyTables();
        await project(events, 1_000);
        const atOnce = await rows();
        await emptyTables();
        await project(events, batch);
        expect(await rows()).toEqual(atOnce);
      }),
      { numRuns: 20 },
    );
  });
});

describe('reading a log', () => {
  test('finds, with any filter and page size and either way, what a plain look at all lines finds', async () => {
    await fc.assert(
      fc.asyncProperty(requests, aFilter, fc.integer({ min: 1, max: 9 }), async (some, filter, limit) => {
        const runId = uuidv7();
        const events = recorded(runId, some);
        await project(events, 100);
        const wanted = plainly(events, filter);
        const full = { ...everything, ...filter };
        expect(await walk(runId, full, 'asc', limit)).toEqual(wanted);
        expect(await walk(runId, full, 'desc', limit)).toEqual(wanted.toReversed());
      }),
      { numRuns: 150 },
    );
  });

  test('takes the start of a time range in, and its end not', async () => {
    const runId = uuidv7();
    const lines = [1, 2, 3, 4].map((n): LogLine => ({ ts: time(n), stream: 'stdout', message: '' }));
    await project(recorded(runId, [lines]), 1);
    const { entries } = await readLog(sql, runId, { ...everything, from: time(2), to: time(4) }, 'asc', 9);
    expect(entries.map(({ seq }) => seq)).toEqual([2, 3]);
  });

  test('goes through more lines than are looked at in one go', async () => {
    const runId = uuidv7();
    const large = 'x'.repeat(300_000);
    const lines: LogLine[] = Array.from({ length: 60 }, (_, n) => ({
      ts: time(n),
      stream: 'stdout',
      message: `${large}${n % 10 === 0 ? 'needle' : ''}`,
    }));
    await project(recorded(runId, [lines]), 100);
    const { entries, more } = await readLog(sql, runId, { ...everything, q: 'needle' }, 'asc', 5);
    expect(entries.map(({ seq }) => seq)).toEqual([1, 11, 21, 31, 41]);
    expect(more).toBe(true);
    expect((await readLog(sql, runId, everything, 'desc', 60)).entries).toHaveLength(60);
  });

  test('ends a page of very long lines before memory ends', async () => {
    const runId = uuidv7();
    const lines: LogLine[] = Array.from({ length: 40 }, () => ({
      ts: time(0),
      stream: 'stdout',
      message: 'x'.repeat(1024 * 1024),
    }));
    await project(recorded(runId, [lines]), 10);
    const { entries, more } = await readLog(sql, runId, everything, 'asc', 1_000);
    expect(more).toBe(true);
    expect(entries.length).toBeLessThan(36);
    const rest = await readLog(sql, runId, { ...everything, afterSeq: entries.length }, 'asc', 1_000);
    expect(entries.length + rest.entries.length).toBe(40);
  });

  test('touches few rows for a time range within a large log', async () => {
    const runId = uuidv7();
    const lines = (n: number): LogLine[] => [{ ts: time(n), stream: 'stdout', message: `line ${n}` }];
    await project(
      recorded(
        runId,
        Array.from({ length: 5_000 }, (_, n) => lines(n)),
      ),
      5_000,
    );
    await client.query('ANALYZE chunks');
    const touched = async (): Promise<number> => {
      const [row] = await sql.query<{ read: string }>(
        `SELECT idx_tup_fetch AS read FROM pg_stat_xact_user_tables WHERE relname = 'chunks' AND schemaname = 'logs'`,
      );
      return Number(row?.read);
    };
    await client.query('BEGIN');
    const before = await touched();
    const range = { ...everything, from: time(2_500), to: time(2_510) };
    const { entries } = await readLog(sql, runId, range, 'asc', 1_000);
    const read = (await touched()) - before;
    await client.query('COMMIT');
    expect(entries.map(({ seq }) => seq)).toEqual(Array.from({ length: 10 }, (_, n) => 2_501 + n));
    expect(read).toBeLessThan(30);
  });
});

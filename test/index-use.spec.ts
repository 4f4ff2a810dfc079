import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import type { Principal } from '#eventsourcing';
import type { RequestContext } from '#http';
import { interactionsKeyset, InteractionsProjection, ListInteractionsQuery } from '#interactions';
import { LogProjection } from '#logs';
import { ListMountsQuery, mountsKeyset, MountsProjection } from '#mounts';
import { Database as ReadModels, type Keyset, keysetSql, type Projection, type Sql } from '#read-models';
import { ListRunsQuery, runsKeyset, RunsProjection } from '#runs';
import { ListSessionsQuery, sessionsKeyset, SessionsProjection } from '#sessions';
import { ListSchedulesQuery, schedulesKeyset, SchedulesProjection } from '#schedules';
import { TranscriptProjection } from '#transcripts';
import { expiredSql } from '../libs/interactions/src/interaction-sweeper.js';
import { dueSql, nextSql } from '../libs/schedules/src/schedule-sweeper.js';
import { type LogFilter, readLog } from '../libs/logs/src/log-reader.js';
import { leasesSql } from '../libs/runs/src/lease-sweeper.js';
import { unlimited } from '../libs/transcripts/src/segment-retentions.js';
import { readTranscript, type TranscriptFilter } from '../libs/transcripts/src/transcript-reader.js';
import { pendingSql } from '../libs/runs/src/pending-rows.js';
import { type Database, freshDatabase } from './support/database.js';

const rows = 50_000;
const limit = 20;
/**
 * Where no index has filter and order together, Postgres walks or, when few rows match, fetches those and
 * sorts them: about as many at most as a walk would pass, which is where the two cost the same.
 */
const fewRows = Math.sqrt(limit * rows);

/** The id of the n-th row: a version 7 UUID, one a second. */
const idOf = (n: number): string => {
  const time = (1_760_000_000_000 + n * 1_000).toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${n.toString(16).padStart(12, '0')}`;
};
/** The same in SQL, for a column or expression. */
const idSql = (n: string): string =>
  `(lpad(to_hex(1760000000000 + (${n}) * 1000::bigint), 12, '0') || '70008000' || lpad(to_hex(${n}), 12, '0'))::uuid`;
const timeOf = (n: number): string => new Date(1_760_000_000_000 + n * 1_000).toISOString();

const operator: Principal = {
  principalId: idOf(0),
  projectId: 'default',
  userId: idOf(7),
  role: 'operator',
};
const user: Principal = { ...operator, role: 'user' };

const fill: Readonly<Record<string, string>> = {
  runs: `
    INSERT INTO runs.runs
    SELECT ${idSql('n')}, CASE n % 10 WHEN 0 THEN 'other' ELSE 'default' END, ${idSql('n % 200')}, ${idSql('n / 5')},
      ${idSql('n % 3000')}, ${idSql('n / 20')}, CASE WHEN n % 3 = 0 THEN ${idSql('n / 30')} END, ${idSql('n / 40')},
      CASE WHEN n % 100 < 90 THEN 'completed' WHEN n % 100 < 97 THEN 'failed' WHEN n % 100 < 99 THEN 'cancelled'
        WHEN n % 200 = 99 THEN 'running' ELSE 'pending' END,
      CASE n % 4 WHEN 0 THEN 'job' WHEN 1 THEN 'workflow' ELSE 'turn' END, 'source-' || n % 50,
      to_timestamp(1760000000 + n + 5), to_timestamp(1760000000 + n + 60), '{}'
    FROM generate_series(1, ${rows}) n;
    INSERT INTO runs.metadata
    SELECT ${idSql('n')}, 'default', key, value
    FROM generate_series(1, ${rows}) n, LATERAL (VALUES ('team', 'team-' || n % 40), ('env', 'env-' || n % 3)) m(key, value);
    ANALYZE runs.runs, runs.metadata;`,
  sessions: `
    INSERT INTO sessions.sessions (id, project_id, user_id, external_id, alias, parent_session_id, status, tags,
      empty, live, archived, doc, figures)
    SELECT ${idSql('n')}, CASE n % 10 WHEN 0 THEN 'other' ELSE 'default' END, ${idSql('n % 200')}, 'external-' || n,
      CASE WHEN n % 3 = 0 THEN 'alias-' || n END, CASE WHEN n % 2 = 0 THEN ${idSql('n / 50')} END,
      CASE WHEN n % 100 < 80 THEN 'idle' WHEN n % 100 < 99 THEN 'started' ELSE 'active' END,
      ARRAY['tag-' || n % 30, 'all'], n % 100 BETWEEN 80 AND 98,
      n % 20 <> 0, n % 100 = 50, '{}', '{}'
    FROM generate_series(1, ${rows}) n;
    INSERT INTO sessions.words
    SELECT id, words, 'x' || regexp_replace(words, '(.|\n)', '\\1x', 'g')
    FROM sessions.sessions, LATERAL (SELECT 'title of ' || external_id || E'\n' || md5(id::text)) said(words);
    INSERT INTO sessions.tags
    SELECT id, project_id, unnest(tags) FROM sessions.sessions;
    INSERT INTO sessions.pins SELECT id, ${idSql('7')} FROM sessions.sessions WHERE parent_session_id IS NOT NULL;
    ANALYZE sessions.sessions, sessions.tags, sessions.pins, sessions.words;`,
  logs: `
    INSERT INTO logs.chunks
    SELECT ${idSql('run')}, first * 10 + 1, first * 10 + 10, to_timestamp(1760000000 + first * 10),
      to_timestamp(1760000000 + first * 10 + 9), 1, '{}', now(), first, '[]'
    FROM generate_series(1, 25) run, generate_series(0, ${rows / 25 - 1}) first;
    INSERT INTO logs.runs SELECT run_id, max(last_seq), 0, '9 seconds' FROM logs.chunks GROUP BY run_id;
    INSERT INTO logs.runs SELECT ${idSql('run')}, 0, 0, '0 seconds' FROM generate_series(26, 5000) run;
    ANALYZE logs.chunks, logs.runs;`,
  transcripts: `
    INSERT INTO transcripts.segments (transcript_id, seq, place, kind, bytes, redaction, created_at)
    SELECT ${idSql('t')}, seq, seq, CASE WHEN seq % 500 = 0 THEN 'redacted' ELSE 'message' END, 100, '{}', now()
    FROM generate_series(1, 25) t, generate_series(1, ${rows / 25}) seq;
    INSERT INTO transcripts.summaries SELECT ${idSql('t')}, 1900, 1800 FROM generate_series(1, 5000) t;
    INSERT INTO transcripts.lineage
    SELECT ${idSql('f')}, ${idSql('part + 1')}, part * 900, part * 900 + 900, now()
    FROM generate_series(10, 5000) f, generate_series(0, 1) part;
    ANALYZE transcripts.segments, transcripts.summaries, transcripts.lineage;`,
  interactions: `
    INSERT INTO interactions.interactions
    SELECT ${idSql('n')}, n, 'default', ${idSql('7')}, ${idSql('n % 25')},
      CASE n % 3 WHEN 0 THEN 'user_input' WHEN 1 THEN 'tool_call' ELSE 'user_approval' END,
      CASE WHEN n % 100 = 0 THEN 'pending' ELSE 'resolved' END, to_timestamp(1760000000 + n), '{}'
    FROM generate_series(1, ${rows}) n;
    ANALYZE interactions.interactions;`,
  schedules: `
    INSERT INTO schedules.schedules
    SELECT ${idSql('n')}, ${idSql('n % 25')}, n % 100 = 0,
      CASE WHEN n % 100 = 0 THEN to_timestamp(1760000000 + n) END, '{}'
    FROM generate_series(1, ${rows}) n;
    ANALYZE schedules.schedules;`,
  mounts: `
    INSERT INTO mounts.mounts
    SELECT ${idSql('n')}, ${idSql('n % 25')}, 'slug-' || n, n % 100 = 0, '{}' FROM generate_series(1, ${rows}) n;
    ANALYZE mounts.mounts;`,
};

interface Plan {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Plan Rows': number;
  readonly Plans?: readonly Plan[];
}

const nodesOf = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];

describe(`over ${rows} rows`, () => {
  let database: Database;
  let client: pg.Client;

  beforeAll(async () => {
    database = await freshDatabase();
    client = new pg.Client({ connectionString: database.url });
    await client.connect();
    const projections: Projection[] = [
      new RunsProjection(),
      new SessionsProjection(),
      new LogProjection(),
      new TranscriptProjection(),
      new InteractionsProjection(),
      new SchedulesProjection(),
      new MountsProjection(),
    ];
    for (const { name, tables, indexes } of projections) {
      await client.query(`CREATE SCHEMA ${name}; SET search_path TO ${name}; ${tables}`);
      await client.query(fill[name] ?? '');
      await client.query(`${indexes} ANALYZE; SET search_path TO public`);
    }
  });

  afterAll(async () => {
    await client.end();
    await database.drop();
  });

  const explained = async (sql: string, values: readonly unknown[]): Promise<Plan[]> => {
    const { rows: found } = await client.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
      `EXPLAIN (FORMAT JSON) ${sql}`,
      [...values],
    );
    const [top] = found[0]?.['QUERY PLAN'] ?? [];
    return top === undefined ? [] : nodesOf(top.Plan);
  };

  /** Fails with the offending nodes: no table read from end to end, nothing sorted but pages. */
  const expectIndexed = async (
    sql: string,
    values: readonly unknown[],
    mostSorted: number,
  ): Promise<void> => {
    const nodes = await explained(sql, values);
    const bad = nodes.filter(
      (node) =>
        node['Node Type'] === 'Seq Scan' ||
        (node['Node Type'].endsWith('Sort') && node['Plan Rows'] > mostSorted),
    );
    expect(bad.map(({ Plans: _plans, ...node }) => node)).toEqual([]);
    expect(nodes.some((node) => node['Node Type'].includes('Index'))).toBe(true);
  };

  /** With the plan for these values, and with the one for all values where that may be used. */
  const expectKeysetIndexed = async (keyset: Keyset, mostSorted = limit + 1): Promise<void> => {
    const [text, { values }] = [keysetSql(keyset), keyset.where];
    await expectIndexed(text, values, keyset.from.length * mostSorted);
    if (keyset.steady !== true) return;
    await client.query(`PREPARE page AS ${text}`);
    const args = values.map((value) => (Array.isArray(value) ? `{${value.join(',')}}` : String(value)));
    await client.query('SET plan_cache_mode = force_generic_plan');
    await expectIndexed(
      `EXECUTE page (${args.map((arg) => pg.escapeLiteral(arg)).join(',')})`,
      [],
      limit + 1,
    );
    await client.query('RESET plan_cache_mode; DEALLOCATE page');
  };

  const runFilters: [string, Partial<ListRunsQuery>][] = [
    ['no filter', {}],
    ['task_id', { task_id: idOf(4_000) }],
    ['job_id', { job_id: idOf(2_000) }],
    ['session_id', { session_id: idOf(1_000) }],
    ['parent_run_id', { parent_run_id: idOf(900) }],
    ['root_run_id', { root_run_id: idOf(600) }],
    ['user_id', { user_id: idOf(7) }],
    ['source', { source: 'source-7' }],
    ['kind', { kind: 'job' }],
    ['status', { status: ['completed'] }],
    ['a rare status', { status: ['running'] }],
    ['several statuses', { status: ['pending', 'running', 'failed'] }],
    ['session_id and status', { session_id: idOf(1_000), status: ['completed'] }],
    ['created_after', { created_after: timeOf(40_000) }],
    ['created_before', { created_before: timeOf(40_000) }],
    ['started_after', { started_after: timeOf(49_900) }],
    ['started_before', { started_before: timeOf(30_000) }],
    ['ended_after', { ended_after: timeOf(49_900) }],
    ['ended_before', { ended_before: timeOf(30_000) }],
    ['a range of started', { started_after: timeOf(1_000), started_before: timeOf(1_100) }],
    ['metadata', { metadata: { team: 'team-7' } }],
    ['two metadata', { metadata: { team: 'team-7', env: 'env-1' } }],
  ];

  describe.each(runFilters)('runs by %s', (name, filter) => {
    const query = Object.assign(new ListRunsQuery(), { limit }, filter);
    test.each([
      ['first', undefined, operator],
      ['a later', idOf(35_000), operator],
      ['the first, oldest first,', undefined, operator],
      ["the first of a user's own", undefined, user],
    ])('%s page walks an index', async (page, after, principal) => {
      const order = page.includes('oldest') ? 'asc' : 'desc';
      const inOrder = !/started|ended|metadata/.test(name);
      const keyset = runsKeyset(Object.assign(query, { order }), principal, after);
      await expectKeysetIndexed(keyset, inOrder ? limit + 1 : fewRows);
    });
  });

  test('pending runs are found by an index, and so are leases that expire', async () => {
    await expectIndexed(pendingSql, [idOf(20_000)], 0);
    await expectIndexed(leasesSql, [], 0);
  });

  const sessionFilters: [string, Partial<ListSessionsQuery>][] = [
    ['no filter', {}],
    ['include_empty', { include_empty: true }],
    ['status', { status: ['idle'] }],
    ['a rare status', { status: ['active'] }],
    ['several statuses', { status: ['active', 'started'] }],
    ['tag', { tag: ['tag-7'] }],
    ['two tags', { tag: ['tag-7', 'all'] }],
    ['alias', { alias: 'alias-3000' }],
    ['external_id', { external_id: 'external-3001' }],
    ['parent_session_id', { parent_session_id: idOf(500) }],
    ['user_id', { user_id: idOf(7) }],
    ['created_after', { created_after: timeOf(40_000) }],
    ['created_before', { created_before: timeOf(40_000) }],
    ['q that is in all of them', { q: 'title' }],
    ['q that is in one', { q: 'TITLE of external-12345' }],
    ['q that is in none', { q: '100% of nothing' }],
    ['q of one character that is in all of them', { q: 't' }],
    ['q of two that are in none', { q: 'qz' }],
    ['q of another script', { q: '発票' }],
    ['q and several statuses', { q: 'title', status: ['active', 'started'] }],
    ['archived', { archived: 'true' }],
    ['archived or not', { archived: 'any' }],
  ];

  describe.each(sessionFilters)('sessions by %s', (name, filter) => {
    test.each([
      ['first', {}, operator],
      ['a later', { created_before: timeOf(35_000) }, operator],
      ['the first, oldest first,', { order: 'asc' as const }, operator],
      ["the first of a user's own", {}, user],
    ])('%s page walks an index', async (_page, more, principal) => {
      const query = Object.assign(new ListSessionsQuery(), { limit }, filter, more);
      const inOrder = !name.includes('tag');
      await expectKeysetIndexed(
        sessionsKeyset(query, { principal } as RequestContext),
        inOrder ? limit + 1 : fewRows,
      );
    });
  });

  test('a search is planned for pages that cost the same in any order', async () => {
    const query = Object.assign(new ListSessionsQuery(), { limit, q: 'external-1234' });
    const keyset = sessionsKeyset(query, { principal: operator } as RequestContext);
    expect(keyset.search).toBe(true);
    const models = await ReadModels.open(database.url, []);
    expect(await models.search('SHOW random_page_cost')).toEqual([{ random_page_cost: '1.1' }]);
    await models.close();
  });

  const interactionFilters: [string, Partial<ListInteractionsQuery>][] = [
    ['no filter', {}],
    ['status', { status: ['resolved'] }],
    ['several statuses', { status: ['pending', 'expired'] }],
    ['what can be done', { actionable_only: true }],
  ];

  test.each(interactionFilters)('interactions of a session by %s walk an index', async (_name, filter) => {
    for (const order of ['asc', 'desc'] as const) {
      const query = Object.assign(new ListInteractionsQuery(), { limit, order }, filter);
      await expectKeysetIndexed(interactionsKeyset(idOf(7), query, { principal: user } as RequestContext));
    }
  });

  test('interactions that expire are found by an index', async () => {
    await expectIndexed(expiredSql, [timeOf(1_000)], 0);
  });

  test.each<[string, Partial<ListSchedulesQuery>]>([
    ['no filter', {}],
    ['enabled', { enabled: true }],
  ])('schedules of a session by %s walk an index', async (_name, filter) => {
    for (const order of ['asc', 'desc'] as const) {
      const query = Object.assign(new ListSchedulesQuery(), { limit, order }, filter);
      const keyset = schedulesKeyset(idOf(7), query, { principal: user } as RequestContext);
      // The enabled ones of a session are few, and may be sorted.
      await expectKeysetIndexed(keyset, fewRows);
    }
  });

  test('schedules that are due are found by an index, and so is when the next one is', async () => {
    await expectIndexed(dueSql, [timeOf(1_000)], 0);
    await expectIndexed(nextSql, [], 0);
  });

  test.each<[string, Partial<ListMountsQuery>]>([
    ['no filter', {}],
    ['slug', { slug: 'slug-107' }],
    ['archived', { archived: 'true' }],
    ['whether archived or not', { archived: 'any' }],
  ])('mounts of a session by %s walk an index', async (_name, filter) => {
    for (const order of ['asc', 'desc'] as const) {
      const query = Object.assign(new ListMountsQuery(), { limit, order }, filter);
      const keyset = mountsKeyset({ principal: user } as RequestContext, idOf(7), query);
      // The archived ones of a session are few, and may be sorted.
      await expectKeysetIndexed(keyset, fewRows);
    }
  });

  const logFilters: [string, Partial<LogFilter>][] = [
    ['no filter', {}],
    ['after_seq', { afterSeq: 12_345 }],
    ['before_seq', { beforeSeq: 5_000 }],
    ['a time range', { from: timeOf(9_000), to: timeOf(9_060) }],
    ['stream', { streams: ['stdout'] }],
    ['level', { levels: ['error'] }],
    ['q', { q: 'word' }],
  ];

  const recording = () => {
    const statements: [string, readonly unknown[]][] = [];
    const recorder: Sql = {
      query: async <Row extends object>(text: string, values: readonly unknown[] = []) => {
        statements.push([text, values]);
        return (await client.query<Row>(text, [...values])).rows;
      },
    };
    return { statements, recorder };
  };

  test.each(logFilters)('the log of a run by %s walks an index, either way', async (_name, filter) => {
    const { statements, recorder } = recording();
    const all = { afterSeq: 0, beforeSeq: Number.MAX_SAFE_INTEGER, ...filter };
    for (const order of ['asc', 'desc'] as const) await readLog(recorder, idOf(7), all, order, limit);
    expect(statements.length).toBeGreaterThan(1);
    // A statement reads at most 1,000 chunks at once.
    for (const [text, values] of statements) await expectIndexed(text, values, 1_000);
  });

  const transcriptFilters: [string, Partial<TranscriptFilter>][] = [
    ['no filter', {}],
    ['after_seq', { afterSeq: 1_850 }],
    ['before_seq', { beforeSeq: 1_850 }],
    ['kind', { kinds: ['redacted'] }],
    ['several kinds', { kinds: ['redacted', 'event'] }],
    ['a later page', { seen: 1_900 }],
  ];

  /** Forks have two others' segments beside their own: a page of each is merged. */
  const owners = 3;
  const transcripts = transcriptFilters.flatMap(([name, filter]) => [
    [`a transcript by ${name}`, idOf(7), filter] as const,
    [`a fork’s by ${name}`, idOf(17), filter] as const,
  ]);
  test.each(transcripts)('%s walks an index, in either view', async (_name, id, filter) => {
    const { statements, recorder } = recording();
    const all = { afterSeq: 0, beforeSeq: Number.MAX_SAFE_INTEGER, limit, ...filter };
    for (const order of ['asc', 'desc'] as const) {
      for (const view of ['compact', 'full'] as const) {
        await readTranscript(
          recorder,
          id,
          { of: () => Promise.resolve(new Map()) },
          { ...all, order, view },
          unlimited,
        );
      }
    }
    expect(statements).toHaveLength(6);
    for (const [text, values] of statements) await expectIndexed(text, values, owners * (limit + 1));
  });
});

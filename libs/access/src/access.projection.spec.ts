import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import type { Fact, RecordedEvent } from '#eventsourcing';
import type { Sql } from '#read-models';
import { freshDatabase } from '../../../test/support/database.js';
import { AccessProjection } from './access.projection.js';
import { apiKeyStream, type ApiKeyFact } from './api-key.events.js';
import { projectStream, type ProjectFact } from './project.events.js';

const uuid = (n: number): string => `0190c0de-0000-7000-8000-${String(n).padStart(12, '0')}`;
const projection = new AccessProjection();
let database: Awaited<ReturnType<typeof freshDatabase>>;
let client: pg.Client;

beforeAll(async () => {
  database = await freshDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
});

afterAll(async () => {
  await client.end();
  await database.drop();
});

const sql: Sql = {
  query: async <Row extends object>(text: string, values: readonly unknown[] = []) =>
    (await client.query<Row>(text, [...values])).rows,
};

const recorded = (stream: string, fact: Fact, n: number): RecordedEvent => ({
  ...fact,
  id: uuid(1_000 + n),
  stream,
  revision: 0,
  position: BigInt(n),
  metadata: {
    $correlationId: 'c',
    $causationId: 'c',
    actor: uuid(9),
    project: 'default',
    at: `2026-01-02T03:04:0${n}.000Z`,
  },
});
const project = (fact: ProjectFact, n: number) => recorded(projectStream(fact.data.project_id), fact, n);
const apiKey = (fact: ApiKeyFact, n: number) => recorded(apiKeyStream(fact.data.api_key_id), fact, n);
const key = (n: number, expires_at?: string): ApiKeyFact => ({
  type: 'ApiKeyCreated',
  data: {
    api_key_id: uuid(n),
    name: `key ${n}`,
    project_id: 'acme',
    role: 'worker',
    user_id: uuid(50 + n),
    hash: String(n).repeat(64),
    prefix: 'rl_abc',
    ...(expires_at !== undefined && { expires_at }),
  },
});

const events = [
  project({ type: 'ProjectCreated', data: { project_id: 'acme', name: 'Acme' } }, 1),
  apiKey(key(1), 2),
  apiKey(key(2, '2027-01-01T00:00:00.000Z'), 3),
  apiKey({ type: 'ApiKeyRevoked', data: { api_key_id: uuid(1) } }, 4),
];

/** The rows that the events make on empty tables, some events at a time. */
async function rows(batch: number): Promise<{ projects: object[]; keys: object[] }> {
  await client.query('DROP SCHEMA IF EXISTS access CASCADE; CREATE SCHEMA access; SET search_path TO access');
  await client.query(projection.tables);
  for (let n = 0; n < events.length; n += batch) await projection.apply(sql, events.slice(n, n + batch));
  await client.query(projection.indexes);
  return {
    projects: await sql.query('SELECT id, name, made_by, created_at FROM projects ORDER BY number'),
    keys: await sql.query('SELECT * FROM api_keys ORDER BY id'),
  };
}

test('the project default is there before any event, and behind it those that were made', async () => {
  expect((await rows(4)).projects).toEqual([
    { id: 'default', name: 'Default', made_by: 'default', created_at: '1970-01-01T00:00:00.000Z' },
    { id: 'acme', name: 'Acme', made_by: 'default', created_at: '2026-01-02T03:04:01.000Z' },
  ]);
});

test('a key is a row with its hash, and keeps it when it is revoked', async () => {
  const shared = { project_id: 'acme', role: 'worker', prefix: 'rl_abc', created_by: uuid(9) };
  expect((await rows(4)).keys).toEqual([
    {
      ...shared,
      id: uuid(1),
      name: 'key 1',
      user_id: uuid(51),
      hash: '1'.repeat(64),
      created_at: '2026-01-02T03:04:02.000Z',
      expires_at: null,
      revoked_at: '2026-01-02T03:04:04.000Z',
    },
    {
      ...shared,
      id: uuid(2),
      name: 'key 2',
      user_id: uuid(52),
      hash: '2'.repeat(64),
      created_at: '2026-01-02T03:04:03.000Z',
      expires_at: '2027-01-01T00:00:00.000Z',
      revoked_at: null,
    },
  ]);
});

test('the same events give the same rows, whatever the batches', async () => {
  expect(await rows(1)).toEqual(await rows(3));
});

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import pg from 'pg';
import { PostgresEventStore } from '#eventstore-postgres';
import { derivedUuid } from '#eventsourcing';
import { Api, newProject } from './support/api.js';
import { type Database, freshDatabase } from './support/database.js';
import { startKurrentServer } from './support/kurrent-server.js';
import { readModelRows } from './support/read-model-rows.js';
import { outcomeOf, startRunledger } from './support/runledger.js';
import { eventsInPostgres, startServer } from './support/server.js';
import { until } from './support/supervised-service.js';

const folder = mkdtempSync(join(tmpdir(), 'runledger-import-'));
const exported = join(folder, 'export');
const kills = Number(process.env['KILL_ROUNDS'] ?? 3);
const databases: Database[] = [];
let rows: Record<string, string[]>;

const fresh = async (): Promise<Database> => {
  const database = await freshDatabase();
  databases.push(database);
  return database;
};
const starting = (dir: string, { url }: Database, settings = {}) =>
  startRunledger(['audit', 'import', dir], {
    DATABASE_URL: url,
    DATA_DIR: join(folder, url.slice(-12)),
    ...settings,
  });
const imported = (dir: string, database: Database, settings = {}) =>
  outcomeOf(starting(dir, database, settings));
const count = async ({ url }: Database, table: string): Promise<number> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return Number((await client.query<{ count: string }>(`SELECT count(*) FROM ${table}`)).rows[0]?.count);
  } catch {
    return 0;
  } finally {
    await client.end();
  }
};

/** The rows of the read models once a server has built them; `use` may call it meanwhile. */
const served = async (
  database: Database,
  use: (api: Api) => Promise<unknown> = () => Promise.resolve(),
  settings = {},
): Promise<Record<string, string[]>> => {
  const server = await startServer({ ...eventsInPostgres, DATABASE_URL: database.url, ...settings });
  try {
    const api = new Api(server.url, server.key);
    await use(api);
    await until(async () => {
      const { data } = (await api.get('/projections')).body as { data: { lag_events: number }[] };
      return data.every(({ lag_events }) => lag_events === 0);
    });
    return await readModelRows(database.url);
  } finally {
    await server.stop();
  }
};

const hook = { url: 'https://example.org/hook', event_pattern: 'run.*', filter: { source: 'none' } };

/** Something of every kind; a stream whose first events are gone; positions that were never used. */
const history = async (database: Database, api: Api): Promise<void> => {
  const project = await newProject({ url: api.url, key: api.key });
  const user = await project.caller('operator');
  for (const caller of [user, api]) await caller.made('/webhooks', hook);
  for (let n = 0; n < 12; n++) {
    const { id: session } = await user.made('/sessions', {
      title: `S${n}`,
      tags: ['a'],
      alias: `alias-${n % 3}`,
    });
    const { id: run } = await user.made(`/sessions/${session}/runs`, { metadata: { team: 'red' } });
    await Promise.all([
      user.patch(`/runs/${run}`, { status: 'running' }),
      user.post(`/runs/${run}/logs`, { entries: [{ message: 'one' }, { message: 'Zoë 😀' }] }),
      user.post(`/sessions/${session}/transcript`, {
        segments: ['a', 'b', 'c', 'd', 'e'].map((content) => ({ kind: 'message', role: 'user', content })),
      }),
    ]);
    await user.post(`/runs/${run}/events`, { events: [{ type: 'user', data: { text: 'Hi' } }] });
    await user.patch(`/runs/${run}`, { status: 'completed', usage: { input_tokens: n } });
    // One after the other, so that keys come and go before anything but the store has seen them.
    if (n % 4 === 1) {
      for (const seq of [1, 2, 3, 4]) {
        await user.post(`/sessions/${session}/transcript/${seq}/redact`, { reason: 'private' });
      }
    }
    if (n % 4 === 3) await user.delete(`/sessions/${session}`);
    if (n === 0) {
      const long = { entries: Array.from({ length: 10 }, () => ({ message: 'x'.repeat(40_000) })) };
      for (let times = 0; times < 4; times++) await user.post(`/runs/${run}/logs`, long);
    }
  }
  const store = new PostgresEventStore(database.url);
  const metadata = {
    $correlationId: 'c',
    $causationId: 'c',
    actor: 'a',
    project: 'default',
    at: '2026-01-01T00:00:00.000Z',
  };
  const events = [0, 1, 2, 3].map((n) => ({
    id: derivedUuid('purge', String(n)),
    type: 'Happened',
    data: { n },
    metadata,
  }));
  await store.append('other-1', 'none', events);
  await store.append('other-1', 9, events.slice(0, 1)).catch(() => undefined);
  await store.truncateBefore('other-1', 2);
  await store.close();
};

beforeAll(async () => {
  const database = await fresh();
  rows = await served(database, async (api) => {
    await history(database, api);
    const env = { RUNLEDGER_URL: api.url, RUNLEDGER_API_KEY: api.key };
    const made = await outcomeOf(startRunledger(['audit', 'export', '--instance', '--out', exported], env));
    expect(made).toMatchObject({ code: 0 });
    await outcomeOf(startRunledger(['audit', 'export', '--out', join(folder, 'project')], env));
  });
});

afterAll(async () => {
  await Promise.all(databases.map((database) => database.drop()));
  rmSync(folder, { recursive: true, force: true });
});

it('an import into an empty instance gives the same read models, row by row', async () => {
  const database = await fresh();
  expect(await imported(exported, database)).toMatchObject({ code: 0, stdout: '' });
  const again = await served(database);
  expect(Object.keys(again).length).toBeGreaterThan(10);
  expect(Object.values(again).flat().length).toBeGreaterThan(100);
  expect(again).toEqual(rows);
  expect(await count(database, 'runledger.webhook_deliveries')).toBe(0);
});

it('a webhook of an import says that it has no secret, and works when it has one again', async () => {
  const database = await fresh();
  await imported(exported, database);
  await served(database, async (admin) => {
    const { data } = (await admin.get('/webhooks')).body as { data: { id: string }[] };
    const hook = `/webhooks/${data[0]?.id ?? ''}`;
    expect(await admin.post(`${hook}/ping`)).toMatchObject({
      status: 409,
      body: { code: 'webhook_disabled', detail: expect.stringContaining('rotate-secret') },
    });
    await admin.post(`${hook}/rotate-secret`);
    expect((await admin.post(`${hook}/ping`)).status).toBe(202);
  });
});

// The server that KURRENTDB_URL names holds what other specs have written.
(process.env['KURRENTDB_URL'] === undefined ? it : it.skip)(
  'an import into an empty KurrentDB, which takes a MiB at once, gives the same read models too',
  async () => {
    const [database, kurrent] = [await fresh(), await startKurrentServer()];
    const settings = { EVENTSTORE_URL: kurrent.connectionString };
    try {
      expect(await imported(exported, database, settings)).toMatchObject({ code: 0 });
      const again = await imported(exported, database, settings);
      expect(again).toMatchObject({ code: 0, stderr: expect.stringMatching(/^0 events were imported/) });
      expect(await served(database, undefined, settings)).toEqual(rows);
    } finally {
      await kurrent.close();
    }
  },
);

it('a stream whose first events are gone goes on with its numbers', async () => {
  const database = await fresh();
  await imported(exported, database);
  const store = new PostgresEventStore(database.url);
  const revisions: number[] = [];
  for await (const { revision } of store.readStream('other-1')) revisions.push(revision);
  await store.close();
  expect(revisions).toEqual([2, 3]);
});

it(
  `an import that is killed ${kills} times goes on where it was`,
  async () => {
    const database = await fresh();
    const lines = readFileSync(join(exported, 'events.ndjson'), 'utf8').trim().split('\n').length;
    for (let share = 1; share <= kills; share++) {
      const child = starting(exported, database);
      const over = outcomeOf(child);
      const wanted = Math.floor((lines * share) / (kills + 2));
      await until(
        async () => child.exitCode !== null || (await count(database, 'eventstore.events')) >= wanted,
      );
      child.kill('SIGKILL');
      await over;
    }
    expect(await imported(exported, database)).toMatchObject({ code: 0 });
    expect((await imported(exported, database)).stderr).toMatch(/^0 events were imported/);
    expect(await served(database)).toEqual(rows);
  },
  300_000 + kills * 20_000,
);

it('an instance that holds something else is left alone, and so is one whose server is running', async () => {
  const database = await fresh();
  await served(database, async (api) => {
    await api.made('/runs');
    expect(await imported(exported, database)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('server is running'),
    });
  });
  const before = await count(database, 'eventstore.events');
  expect(await imported(exported, database)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('not empty'),
  });
  expect(await count(database, 'eventstore.events')).toBe(before);
});

it('an export that is not whole is not imported', async () => {
  const database = await fresh();
  expect((await imported(join(folder, 'project'), database)).stderr).toContain('all projects');
  expect((await imported(join(folder, 'nowhere'), database)).stderr).toMatch(
    /^\S+ cannot be read: ENOENT.+\n$/,
  );
  const file = join(folder, 'project', 'events.ndjson');
  writeFileSync(file, readFileSync(file, 'utf8').replace('"n":1', '"n":2'));
  expect((await imported(join(folder, 'project'), database)).stderr).toContain('not as it was made');
  expect(await count(database, 'eventstore.events')).toBe(0);
});

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { Api } from './support/api.js';
import type { Database } from './support/database.js';
import { type Server, serverDatabase, startServer } from './support/server.js';

let database: Database;
let server: Server;

const start = (dataDir?: string) =>
  startServer({ DATABASE_URL: database.url, ...(dataDir !== undefined && { DATA_DIR: dataDir }) });

beforeAll(async () => {
  database = await serverDatabase();
  server = await start();
});

afterAll(async () => {
  await server.stop();
  await database.drop();
});

test('a long run goes on after a kill from what was kept of it: no event twice, none renumbered', async () => {
  const named = (count: number) =>
    Array.from({ length: count }, (_, n) => ({ id: randomUUID(), type: 'x.n', data: { n } }));
  let api = new Api(server.url, server.key);
  const run = (await api.made('/runs', { input: { text: '"\\ 😀' }, metadata: { a: null, b: [1.5] } })).id;
  const events = named(1_300);
  for (const [from, to] of [
    [0, 700],
    [700, 1_200],
    [1_200, 1_300],
  ])
    expect((await api.post(`/runs/${run}/events`, { events: events.slice(from, to) })).status).toBe(201);
  const before = (await api.get(`/runs/${run}`)).body;
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const kept = async () =>
    (
      await client.query<{ revision: string }>('SELECT revision FROM runledger.snapshots WHERE stream = $1', [
        `run-${run}`,
      ])
    ).rows[0]?.revision;
  while ((await kept()) !== '1200') await new Promise(setImmediate);
  await server.kill();
  server = await start(server.dataDir);
  api = new Api(server.url, server.key);
  const again = await api.post(`/runs/${run}/events`, {
    events: [events[0], events[999], events[1_299], ...named(1)],
  });
  expect(again).toMatchObject({
    status: 201,
    body: { first_sequence_number: 1_302, last_sequence_number: 1_302, appended: 1, skipped: 3 },
  });
  expect((await api.patch(`/runs/${run}`, { metadata: { c: 1 } })).body).toMatchObject({
    input: before['input'],
    metadata: { b: [1.5], c: 1 },
    status: 'pending',
  });
  await client.end();
});

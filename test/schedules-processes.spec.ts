import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Api, type Body, dataOf } from './support/api.js';
import type { Database } from './support/database.js';
import { type Server, serverDatabase, startServer } from './support/server.js';
import { secondsFrom, soon } from './support/soon.js';

const key = 'rl_key-of-the-schedules';
let database: Database;
const servers: Server[] = [];
let admin: Api;

beforeAll(async () => {
  database = await serverDatabase();
  for (const ROLES of ['projector,sweeper', 'projector,sweeper', 'api']) {
    servers.push(await startServer({ DATABASE_URL: database.url, BOOTSTRAP_API_KEY: key, ROLES }));
  }
  admin = new Api(servers[2]?.url ?? '', key);
});
afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  await database.drop();
});

/** Asks again and again until the answer holds. */
async function eventually(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise(setImmediate);
}

it('a schedule wakes whoever fires, in another process, and each time is fired once, whoever dies', async () => {
  const { id: session } = await admin.made('/sessions');
  await soon(async (at) => {
    const once = await admin.post(`/sessions/${session}/schedules`, { at, run: { source: 'once' } });
    return once.status === 201 || undefined;
  });
  const listed = async (source: string): Promise<Body[]> =>
    dataOf(await admin.get(`/sessions/${session}/runs?limit=100&order=asc&source=${source}`));
  await eventually(async () => (await listed('once')).length === 1);

  const made = await admin.made(`/sessions/${session}/schedules`, {
    cron: '* * * * * *',
    run: { source: 'often' },
  });
  const fired = async (): Promise<number> =>
    Number((await admin.get(`/schedules/${made.id}`)).body['fired_count']);
  await eventually(async () => (await fired()) >= 1);
  await servers[0]?.kill();
  const before = await fired();
  await eventually(async () => (await fired()) > before);
  const { status, body } = await admin.post(`/schedules/${made.id}/disable`);
  expect(status).toBe(200);
  // A time that comes while it is being disabled may still be owed.
  const answered = Date.now();
  const first = String(made['next_fire_at']);
  const certain = secondsFrom(first, Date.parse(String(body['updated_at'])));
  await eventually(async () => (await listed('often')).length >= certain.length);
  const due = (await listed('often')).map(
    ({ metadata }) => (metadata as { schedule: Body }).schedule['due_at'],
  );
  expect(due).toEqual(secondsFrom(first, answered).slice(0, due.length));
});

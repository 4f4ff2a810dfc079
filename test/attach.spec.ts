import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { Api, newProject } from './support/api.js';
import type { Database } from './support/database.js';
import { type Server, serverDatabase, startServer } from './support/server.js';
import { type Frame, Watch } from './support/sse.js';

const key = 'a-key-that-both-servers-know';
let database: Database;
let servers: Server[] = [];
let api: Api;
let worker: Api;
let session: string;
let open: Watch[];

beforeAll(async () => {
  database = await serverDatabase();
  const env = { DATABASE_URL: database.url, BOOTSTRAP_API_KEY: key };
  servers = [
    await startServer({ ...env, ROLES: 'api,projector' }),
    await startServer({ ...env, ROLES: 'api' }),
  ];
});
afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  await database.drop();
});
beforeEach(async () => {
  const [first] = servers;
  if (first === undefined) throw new Error('no server');
  const project = await newProject(first);
  api = await project.caller('user');
  const { user_id } = (await api.get('/me')).body;
  worker = await project.caller('worker', String(user_id));
  session = (await api.made('/sessions')).id;
  open = [];
});

const watch = async (query: string, server = 0): Promise<Watch> => {
  const url = `${String(servers[server]?.url)}/v1/sessions/${session}/events${query}`;
  const watching = await Watch.open(url, api.key);
  open.push(watching);
  return watching;
};
const liveness = async () => (await api.get(`/sessions/${session}/liveness`)).body;
const is =
  (event: string) =>
  (frame: Frame): boolean =>
    frame.event === event;

async function eventually(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise(setImmediate);
}

describe('attaching to a session', () => {
  it.each([
    ['the same process', 0],
    ['another process', 1],
  ])("takes the watcher's place, by %s, and tells the displaced one why", async (_where, server) => {
    const displaced = (await watch('?attach=true')).until(() => false);
    const other = (await watch('')).until(is('x.later'));
    await eventually(async () => (await liveness())['attached'] === true);
    const attached = (await watch('?attach=true', server)).until(is('x.later'));
    const last = (await displaced).at(-1);
    expect(last).toMatchObject({
      event: 'displaced',
      id: undefined,
      data: { reason: 'another watcher has attached to the session' },
    });
    const run = await api.made(`/sessions/${session}/runs`);
    await worker.post(`/runs/${run.id}/events`, { events: [{ type: 'x.later', data: {} }] });
    expect((await attached).at(-1)?.event).toBe('x.later');
    expect((await other).at(-1)?.event).toBe('x.later');
    for (const one of open) one.close();
  });

  it('leaves one of many that attach at once', async () => {
    const watches = await Promise.all(Array.from({ length: 10 }, (_, n) => watch('?attach=true', n % 2)));
    let displaced = 0;
    const ends = watches.map(async (one) => {
      if ((await one.until(is('displaced'))).at(-1)?.event === 'displaced') displaced++;
    });
    await eventually(() => Promise.resolve(displaced === 9));
    expect((await liveness())['attached']).toBe(true);
    for (const one of open) one.close();
    await Promise.all(ends);
    expect(displaced).toBe(9);
  });

  it('is seen by liveness, and detaching cancels nothing', async () => {
    expect(await liveness()).toEqual({ alive: false, attached: false, reattachable: false });
    const run = await api.made(`/sessions/${session}/runs`);
    await worker.patch(`/runs/${run.id}`, { status: 'running' });
    expect(await liveness()).toEqual({ alive: true, attached: false, reattachable: true });
    const attached = await watch('?attach=true');
    await eventually(async () => (await liveness())['attached'] === true);
    expect(await liveness()).toEqual({ alive: true, attached: true, reattachable: false });
    attached.close();
    await eventually(async () => (await liveness())['attached'] === false);
    expect(await liveness()).toEqual({ alive: true, attached: false, reattachable: true });
    expect((await api.get(`/runs/${run.id}`)).body['status']).toBe('running');
  });

  it('holds no longer than ten seconds behind the end of a process that could not say so', async () => {
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    const seen = (seconds: number) =>
      client.query(
        `INSERT INTO runledger.session_watchers VALUES ($1, gen_random_uuid(), now() - make_interval(secs => $2))
         ON CONFLICT (session_id) DO UPDATE SET seen_at = excluded.seen_at`,
        [session, seconds],
      );
    await seen(0);
    expect((await liveness())['attached']).toBe(true);
    await seen(11);
    expect((await liveness())['attached']).toBe(false);
    await client.end();
  });

  it('is for live answers, and for those who may change the session', async () => {
    expect((await api.get(`/sessions/${session}/events?attach=true`)).body['code']).toBe('validation_failed');
    expect((await api.get(`/sessions/${session}/events?attach=perhaps`)).status).toBe(400);
    const [first] = servers;
    const auditor = await new Api(String(first?.url), String(first?.key)).made('/api-keys', {
      name: 'auditor',
      role: 'auditor',
      project_id: String((await api.get('/me')).body['project_id']),
    });
    const url = `${String(first?.url)}/v1/sessions/${session}/events?attach=true`;
    expect((await Watch.open(url, String(auditor['key']))).status).toBe(403);
  });
});

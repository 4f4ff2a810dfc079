import { afterAll, beforeAll, expect, it } from '@jest/globals';
import pg from 'pg';
import { Api, type Reply } from './support/api.js';
import type { Database } from './support/database.js';
import { type Server, serverDatabase, startServer } from './support/server.js';
import { type Frame, Watch } from './support/sse.js';

const key = 'watching-several-processes';

let database: Database;
let servers: Server[];
let apis: Api[];

beforeAll(async () => {
  database = await serverDatabase();
  servers = [];
  for (const ROLES of ['api,projector', 'api', 'api']) {
    servers.push(await startServer({ DATABASE_URL: database.url, BOOTSTRAP_API_KEY: key, ROLES }));
  }
  apis = servers.map(({ url }) => new Api(url, key));
});

afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  await database.drop();
});

const ids = (frames: readonly Frame[]): number[] =>
  frames.flatMap(({ id, event }) => (id === undefined || event === 'bookmark' ? [] : Number(id)));
const fromOne = (last: number): number[] => Array.from({ length: last }, (_, n) => n + 1);

it('whatever process is told, those who watch through any other see all of it in one order', async () => {
  const session = (await (apis[0] as Api).made('/sessions')).id;
  const run = (await (apis[0] as Api).made(`/sessions/${session}/runs`)).id;
  const watched = (path: string, last: number): Promise<Frame[][]> =>
    Promise.all(
      servers.map(async ({ url }) => {
        const watch = await Watch.open(`${url}/v1${path}`, key);
        const frames = await watch.until(({ id }) => Number(id) === last);
        watch.close();
        return frames;
      }),
    );
  const all = [
    watched(`/runs/${run}/events`, 61),
    watched(`/sessions/${session}/events`, 62),
    watched(`/runs/${run}/logs`, 60),
  ];
  const tell = async (api: Api): Promise<void> => {
    for (let n = 0; n < 20; n++) {
      await api.post(`/runs/${run}/events`, { events: [{ type: 'x.n', data: { n } }] });
      await api.post(`/runs/${run}/logs`, { entries: [{ message: String(n) }] });
    }
  };
  await Promise.all(apis.map(tell));
  const [runs, sessions, logs] = await Promise.all(all);
  for (const frames of runs ?? []) expect(ids(frames)).toEqual(fromOne(61));
  for (const frames of sessions ?? []) expect(ids(frames)).toEqual(fromOne(62));
  for (const frames of logs ?? []) expect(ids(frames)).toEqual(fromOne(60));
  const told = (frames: readonly Frame[] | undefined) => frames?.slice(1).map(({ data }) => data);
  expect(told(runs?.[1])).toEqual(told(runs?.[0]));
  expect(told(runs?.[2])).toEqual(told(runs?.[0]));
});

it('what one process has done, another that finds nothing left to do answers with a token that covers it', async () => {
  const [one, two] = apis as [Api, Api];
  const reached = ({ headers }: Reply): number =>
    parseInt(String(headers.get('consistency-token')).slice(4), 16);
  const twice = async (method: string, path: string, body?: unknown): Promise<Reply> => {
    const first = await one.call(method, path, body);
    const second = await two.call(method, path, body);
    expect(second.status).toBeLessThan(300);
    expect([path, reached(second) >= reached(first)]).toEqual([path, true]);
    return first;
  };
  const session = String((await twice('POST', '/sessions', { external_id: 'known' })).body['id']);
  await twice('PATCH', `/sessions/${session}`, { title: 'a title' });
  await twice('POST', `/sessions/${session}/archive`);
  await twice('PUT', `/sessions/${session}/pin`);
  await twice('PUT', `/sessions/${session}/state`, { data: 1 });
  const run = (await one.made('/runs', { session_id: session })).id;
  await twice('PATCH', `/runs/${run}`, { status: 'running' });
  await twice('POST', `/runs/${run}/interactions`, { token: 'a', kind: 'user_input', request: {} });
  await twice('POST', `/runs/${run}/cancel`);
}, 60_000);

it('long work that one process was asked for, any other tells of at once', async () => {
  // The read models stand still meanwhile.
  const sql = new pg.Client({ connectionString: database.url });
  await sql.connect();
  await sql.query('BEGIN; LOCK TABLE runledger.projections IN SHARE MODE');
  try {
    const { id } = (await (apis[1] as Api).post('/retention/apply')).body;
    // By one who has written nothing: no token makes it wait for read models that are behind by now.
    const { status, body } = await new Api((servers[2] as Server).url, key).get(`/operations/${String(id)}`);
    expect([status, body]).toMatchObject([200, { id, status: 'running' }]);
  } finally {
    await sql.query('ROLLBACK');
    await sql.end();
  }
});

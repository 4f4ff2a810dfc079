import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Api, newProject } from './support/api.js';
import type { Database } from './support/database.js';
import { type Server, serverDatabase, startServer } from './support/server.js';
import { Watch } from './support/sse.js';

const key = 'a-key-that-both-servers-know';
let database: Database;
let serving: Server;
let projecting: Server;
let user: Api;
let auditor: Api;

beforeAll(async () => {
  database = await serverDatabase();
  const env = { DATABASE_URL: database.url, BOOTSTRAP_API_KEY: key };
  projecting = await startServer({ ...env, ROLES: 'projector' });
  serving = await startServer({ ...env, ROLES: 'api' });
});
afterAll(async () => {
  await Promise.all([serving.stop(), projecting.stop()]);
  await database.drop();
});
beforeEach(async () => {
  const project = await newProject(serving);
  user = await project.caller('user');
  auditor = await project.caller('auditor');
});

const scrape = (server: Server, reader = auditor): Promise<Response> =>
  fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${reader.key}` } });

/** The value of one series; undefined when there is none. */
async function valueOf(series: string, server = serving): Promise<number | undefined> {
  const lines = (await (await scrape(server)).text()).split('\n');
  const line = lines.find((one) => one.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

const answered = (method: string, route: string, status: number): string =>
  `runledger_http_request_duration_seconds_count{method="${method}",route="${route}",status="${status}"}`;

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise(setImmediate);
}

describe('the metrics of a process', () => {
  it('are in the text format of Prometheus, for those who look after the service', async () => {
    const reply = await scrape(serving);
    expect([reply.status, reply.headers.get('content-type')]).toEqual([
      200,
      'text/plain; version=0.0.4; charset=utf-8',
    ]);
    expect(await valueOf('process_resident_memory_bytes')).toBeGreaterThan(1e6);
    expect((await scrape(serving, user)).status).toBe(403);
    expect((await fetch(`${serving.url}/metrics`)).status).toBe(401);
  });

  it('count requests by route, however many things there are', async () => {
    const { id } = await user.made('/runs');
    const other = await user.made('/runs');
    for (const run of [id, other.id]) await user.get(`/runs/${run}`);
    await user.get('/no-such-thing');
    expect(await valueOf(answered('GET', '/v1/runs/:id', 200))).toBe(2);
    expect(await valueOf(answered('GET', '', 404))).toBe(1);
    expect(await (await scrape(serving)).text()).not.toContain(id);
  });

  it('count open streams, and do not take them for slow requests', async () => {
    const session = await user.made('/sessions');
    const before = await valueOf(answered('GET', '/v1/sessions/:id/events', 200));
    const watch = await Watch.open(`${serving.url}/v1/sessions/${session.id}/events`, user.key);
    expect(await valueOf('runledger_open_streams')).toBe(1);
    watch.close();
    await until(async () => (await valueOf('runledger_open_streams')) === 0);
    expect(await valueOf(answered('GET', '/v1/sessions/:id/events', 200))).toBe(before);
  });

  it('tell how far each read model is, in a process that serves no API as well', async () => {
    await user.made('/runs');
    for (const server of [serving, projecting]) {
      for (const unit of ['events', 'seconds']) {
        const series = `runledger_projection_lag_${unit}{projection="runs"}`;
        await until(async () => (await valueOf(series, server)) === 0);
      }
    }
    expect(
      (await fetch(`${projecting.url}/v1/runs`, { headers: { authorization: `Bearer ${key}` } })).status,
    ).toBe(404);
  });
});

import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Api, type Body, dataOf, newProject } from './support/api.js';
import { type Server, startServer } from './support/server.js';

let server: Server;
let operator: Api;
let session: string;

beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server.stop();
});
beforeEach(async () => {
  operator = await (await newProject(server)).caller('operator');
  session = (await operator.made('/sessions')).id;
});

const made = async (path: string, body: Body = {}): Promise<string> => (await operator.made(path, body)).id;
const paths = {
  session: () => `/sessions/${session}`,
  run: async () => `/runs/${await made('/runs')}`,
  schedule: async () =>
    `/schedules/${await made(`/sessions/${session}/schedules`, { cron: '0 9 * * *', run: {} })}`,
  mount: async () =>
    `/mounts/${await made(`/sessions/${session}/mounts`, { slug: 'work', uri: 's3://bucket/work' })}`,
  webhook: async () =>
    `/webhooks/${await made('/webhooks', { url: 'https://example.com', event_pattern: '*' })}`,
};

describe('right after a change, read without a token', () => {
  it.each<[keyof typeof paths, (n: number) => Body]>([
    ['session', (n) => ({ title: String(n) })],
    ['run', (n) => ({ metadata: { n } })],
    ['schedule', (n) => ({ name: String(n) })],
    ['mount', (n) => ({ name: String(n) })],
    ['webhook', (n) => ({ description: String(n) })],
  ])('a %s is as it was changed', async (kind, change) => {
    const newcomer = new Api(operator.url, operator.key);
    const path = await paths[kind]();
    for (const n of [1, 2, 3]) {
      const { body } = await operator.patch(path, change(n));
      expect((await newcomer.get(path)).body).toEqual(body);
    }
  });

  it('a session has its events and its transcript', async () => {
    const newcomer = new Api(operator.url, operator.key);
    for (const n of [1, 2, 3]) {
      await operator.patch(paths.session(), { title: String(n) });
      const events = dataOf(await newcomer.get(`${paths.session()}/events`));
      await operator.post(`${paths.session()}/transcript`, { segments: [{ content: n }] });
      const segments = dataOf(await newcomer.get(`${paths.session()}/transcript`));
      expect([events.length, segments.length]).toEqual([n + 1, n]);
    }
  });
});

describe('null for what cannot be null', () => {
  it.each<[keyof typeof paths, Body, string[]]>([
    ['session', { title: null, metadata: null }, ['/metadata']],
    [
      'session',
      { subagent: { name: null, task: null, status: null } },
      ['/subagent/name', '/subagent/status'],
    ],
    [
      'run',
      { status: null, error: null, output: null, done_reason: null, usage: null, metadata: null },
      ['/status', '/error', '/done_reason', '/usage', '/metadata'],
    ],
    [
      'schedule',
      { name: null, at: null, time_zone: null, run: null, on_active_run: null, enabled: null },
      ['/time_zone', '/run', '/on_active_run', '/enabled'],
    ],
    ['schedule', { cron: null }, ['/cron']],
    [
      'mount',
      { name: null, uri: null, read_only: null, metadata: null },
      ['/uri', '/read_only', '/metadata'],
    ],
    [
      'webhook',
      { description: null, filter: null, url: null, event_pattern: null, enabled: null },
      ['/url', '/event_pattern', '/enabled'],
    ],
  ])('is refused of a %s: %j', async (kind, body, pointers) => {
    const path = await paths[kind]();
    const { status, body: problem } = await operator.patch(path, body);
    expect([status, problem['code']]).toEqual([400, 'validation_failed']);
    const named = (problem['errors'] as Body[]).map(({ pointer }) => pointer);
    expect(named.sort()).toEqual(pointers.sort());
    expect((await operator.get(path)).body['revision']).toBe(1);
  });
});

it('a run may put out null', async () => {
  const path = await paths.run();
  const outputs = [{ answer: 42 }, null];
  for (const output of outputs) {
    expect((await operator.patch(path, { output })).body['output']).toEqual(output);
  }
});

it('a schedule takes null for the one of at and cron that the other takes the place of', async () => {
  const path = await paths.schedule();
  const at = '2100-01-01T00:00:00.000Z';
  expect((await operator.patch(path, { cron: null, at })).body).toMatchObject({ cron: null, at });
  expect((await operator.patch(path, { cron: null, name: 'x' })).body).toMatchObject({ at, name: 'x' });
});

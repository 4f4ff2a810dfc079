import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type Api, type Body, dataOf, newProject, type Reply } from './support/api.js';
import { type Server, startServer } from './support/server.js';
import { until } from './support/supervised-service.js';
import { Watch } from './support/sse.js';

let server: Server;
let project: Awaited<ReturnType<typeof newProject>>;
let operator: Api;

beforeAll(async () => {
  server = await startServer();
}, 120_000);

afterAll(async () => {
  await server.stop();
});

beforeEach(async () => {
  project = await newProject(server);
  operator = await project.caller('operator');
});

const old = '2020-01-02T03:04:05.000Z';
const young = (): string => new Date().toISOString();

interface Lines {
  readonly count?: number;
  readonly ts?: string;
  readonly message?: string;
}

const append = async (run: string, { count = 10, ts = old, message = 'line' }: Lines = {}): Promise<void> => {
  const entries = Array.from({ length: count }, (_, n) => ({ ts, message: `${message} ${n}` }));
  expect((await operator.post(`/runs/${run}/logs`, { entries })).status).toBe(201);
};

/** A run with the appends given, which has ended unless it is to run on. */
async function runWith(
  appends: readonly Lines[],
  { session = '', ends = true, body = {} } = {},
): Promise<string> {
  const path = session === '' ? '/runs' : `/sessions/${session}/runs`;
  const { id } = await operator.made(path, body);
  await operator.patch(`/runs/${id}`, { status: 'running' });
  for (const lines of appends) await append(id, lines);
  if (ends) await operator.patch(`/runs/${id}`, { status: 'completed' });
  return id;
}

const put = (scope: string, limits: Body, kind = 'logs'): Promise<Reply> =>
  operator.call('PUT', `/retention/policies/${scope}/${kind}`, limits);

const preview = async (policy: Body): Promise<Body> => {
  const { status, body } = await operator.post('/retention/preview', {
    scope: 'project',
    kind: 'logs',
    ...policy,
  });
  expect(status).toBe(200);
  return body;
};

interface Operation {
  status: string;
  progress: unknown;
  result: { removed: Body[]; kept: number };
  error: string | null;
}

/** Has a sweep made, and waits for its end. */
async function swept(): Promise<Operation> {
  const { status, headers } = await operator.post('/retention/apply');
  expect(status).toBe(202);
  let operation: Body = {};
  await until(async () => {
    ({ body: operation } = await operator.get(String(headers.get('location')).replace('/v1', '')));
    return operation['status'] !== 'running';
  });
  return operation as unknown as Operation;
}

const seqs = async (run: string, search = ''): Promise<unknown[]> =>
  dataOf(await operator.get(`/runs/${run}/logs${search}`)).map(({ seq }) => seq);

describe('a policy by age', () => {
  test('has the sweep remove just what the preview told, to the entry', async () => {
    const gone = await runWith([{ count: 30 }, { count: 20 }]);
    const partly = await runWith([{ count: 10 }, { count: 5, ts: young() }]);
    await runWith([{ count: 3, ts: young() }]);
    const told = await preview({ max_age: 'P30D' });
    expect(told).toMatchObject({
      subjects: 2,
      count: 60,
      ids: [gone, partly].sort(),
      oldest: old,
      newest: old,
    });
    expect(await seqs(gone, '?limit=1')).toEqual([1]);

    expect((await put('project', { max_age: 'P30D' })).status).toBe(200);
    const { status, result, progress } = await swept();
    expect(status).toBe('succeeded');
    expect(result).toEqual({ removed: [{ ...told, archives: [] }], kept: 0 });
    expect(progress).toEqual({ done: 60, total: 60 });
    expect(await seqs(partly)).toEqual([11, 12, 13, 14, 15]);
    expect(await preview({ max_age: 'P30D' })).toMatchObject({
      subjects: 0,
      count: 0,
      ids: [],
      oldest: null,
    });
  });

  test('leaves 410 with the earliest left where lines were', async () => {
    const partly = await runWith([{ count: 10 }, { count: 5, ts: young() }]);
    const gone = await runWith([{ count: 10 }]);
    await put('project', { max_age: 'P30D' });
    await swept();
    for (const [run, search, earliest_seq] of [
      [partly, '?after_seq=0', 11],
      [partly, '?after_seq=9', 11],
      [partly, '?before_seq=11', 11],
      [gone, '', 11],
      [gone, '?tail=5', 11],
      [gone, '?after_seq=3', 11],
    ] as const) {
      const { status, body } = await operator.get(`/runs/${run}/logs${search}`);
      expect([search, status, body['code'], body['earliest_seq']]).toEqual([
        search,
        410,
        'gone',
        earliest_seq,
      ]);
    }
    expect(await seqs(partly, '?after_seq=10')).toEqual([11, 12, 13, 14, 15]);
    expect(await seqs(partly, '?order=desc&limit=2')).toEqual([15, 14]);
    const sse = await operator.get(`/runs/${partly}/logs`, {
      accept: 'text/event-stream',
      'last-event-id': '3',
    });
    expect([sse.status, sse.body['code'], sse.body['earliest_seq']]).toEqual([410, 'gone', 11]);
    const watch = await Watch.open(`${server.url}/v1/runs/${partly}/logs?after_seq=10`, operator.key);
    const frames = await watch.until(({ event }) => event === 'end');
    expect(frames.map(({ id }) => id).slice(0, 5)).toEqual(['11', '12', '13', '14', '15']);
  });

  test('lets lines that come later go on behind those removed', async () => {
    const run = await runWith([{ count: 10 }]);
    await put('project', { max_age: 'P30D' });
    await swept();
    await append(run, { count: 2, ts: young() });
    expect(await seqs(run)).toEqual([11, 12]);
    expect((await operator.get(`/runs/${run}`)).body).toMatchObject({ id: run, status: 'completed' });
  });
});

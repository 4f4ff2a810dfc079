import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Api, type Body } from './support/api.js';
import { type Server, startServer } from './support/server.js';
import { Watch } from './support/sse.js';

let server: Server;
let api: Api;

beforeAll(async () => {
  server = await startServer();
  api = new Api(server.url, server.key);
});

afterAll(async () => {
  await server.stop();
});

const created = async (path: string, body: unknown = {}): Promise<string> =>
  String((await api.post(path, body)).body['id']);
const events = async (path: string): Promise<Body[]> =>
  (await api.get(`${path}/events?limit=10000`)).body['data'] as Body[];

describe('the past of a run and of its session', () => {
  let run: string;
  let session: string;
  /** What each showed, by the number that its feed had come to. */
  const shown: Record<'runs' | 'sessions', Map<number, Body>> = { runs: new Map(), sessions: new Map() };

  const note = async (): Promise<void> => {
    for (const [kind, id] of [
      ['runs', run],
      ['sessions', session],
    ] as const) {
      const path = `/${kind}/${id}`;
      shown[kind].set((await events(path)).length, (await api.get(path)).body);
    }
  };

  beforeAll(async () => {
    session = await created('/sessions', { title: 'One' });
    run = await created(`/sessions/${session}/runs`, { metadata: { team: 'red' } });
    const steps: (() => Promise<unknown>)[] = [
      () => api.post('/runs/claim', { worker_id: 'w', filter: { session_id: session } }),
      () => api.post(`/runs/${run}/events`, { events: [{ type: 'user', data: { text: 'Hi' } }] }),
      () => api.patch(`/sessions/${session}`, { title: 'Two', tags: ['a'] }),
      () =>
        api.post(`/runs/${run}/events`, {
          events: [{ type: 'message.output.completed', data: { text: 'Yes', usage: { input_tokens: 3 } } }],
        }),
      () => api.patch(`/runs/${run}`, { metadata: { team: null, env: 'test' } }),
      () => api.patch(`/runs/${run}`, { usage: { input_tokens: 9 } }),
      () => api.patch(`/sessions/${session}`, { alias: `alias-${session}` }),
      () => api.patch(`/runs/${run}`, { status: 'failed', error: { code: 'x', message: 'X' } }),
    ];
    await note();
    for (const step of steps) {
      await step();
      await note();
    }
  });

  test.each(['runs', 'sessions'] as const)(
    '%s: by number it is what was shown at that number',
    async (kind) => {
      const path = `/${kind}/${kind === 'runs' ? run : session}`;
      expect(shown[kind].size).toBeGreaterThan(5);
      for (const [number, then] of shown[kind]) {
        expect((await api.get(`${path}?as_of=${number}`)).body).toEqual(then);
      }
    },
  );

  test.each(['runs', 'sessions'] as const)(
    '%s: by time, events of that very instant included',
    async (kind) => {
      const path = `/${kind}/${kind === 'runs' ? run : session}`;
      const all = await events(path);
      for (const { created_at } of all) {
        const last = all.findLastIndex((event) => String(event['created_at']) <= String(created_at)) + 1;
        const byTime = (await api.get(`${path}?as_of=${String(created_at)}`)).body;
        expect(byTime).toEqual((await api.get(`${path}?as_of=${last}`)).body);
      }
    },
  );

  test.each(['runs', 'sessions'] as const)('%s: before it was there it is not found', async (kind) => {
    const path = `/${kind}/${kind === 'runs' ? run : session}`;
    for (const moment of ['0', '2020-01-01T00:00:00Z']) {
      expect((await api.get(`${path}?as_of=${moment}`)).status).toBe(404);
    }
    expect((await api.get(`${path}?as_of=2999-01-01T00:00:00Z`)).body).toEqual((await api.get(path)).body);
  });

  test.each(['yesterday', '-1', '2026-13-01T00:00:00Z', ''])('as_of=%s is refused', async (moment) => {
    const { status, body } = await api.get(`/runs/${run}?as_of=${moment}`);
    expect([status, body['code']]).toEqual([400, 'validation_failed']);
    expect(body['errors']).toMatchObject([{ parameter: 'as_of' }]);
  });
});

describe('creating a run', () => {
  /** A worker that ends the next run of a source. */
  const work = async (source: string): Promise<void> => {
    const claim = { worker_id: 'w', wait_seconds: 30, filter: { source } };
    const [run] = (await api.post('/runs/claim', claim)).body['data'] as Body[];
    await api.patch(`/runs/${String(run?.['id'])}`, { status: 'completed', output: 'done' });
  };

  test.each(['/runs', 'session'])('wait=true answers with the run when it has ended: %s', async (where) => {
    const path = where === 'session' ? `/sessions/${await created('/sessions')}/runs` : where;
    const source = `wait-${where}`;
    const [answer] = await Promise.all([api.post(`${path}?wait=true`, { source }), work(source)]);
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({ status: 'completed', output: 'done' });
    expect(answer.headers.get('location')).toBe(`/v1/runs/${String(answer.body['id'])}`);
  });

  test('a client that goes away while it waits changes nothing about the run', async () => {
    const gone = new AbortController();
    const source = 'gone';
    const answer = fetch(`${server.url}/v1/runs?wait=true`, {
      method: 'POST',
      headers: { authorization: `Bearer ${server.key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ source }),
      signal: gone.signal,
    });
    const claim = { worker_id: 'w', wait_seconds: 30, filter: { source } };
    const [run] = (await api.post('/runs/claim', claim)).body['data'] as Body[];
    gone.abort();
    await expect(answer).rejects.toThrow();
    const path = `/runs/${String(run?.['id'])}`;
    expect((await api.patch(path, { status: 'completed' })).status).toBe(200);
    expect((await api.get(path)).body).toMatchObject({ status: 'completed' });
  });

  test('with Accept: text/event-stream answers with all that happens from the creation on', async () => {
    const source = 'streamed';
    const [watch] = await Promise.all([
      Watch.post(`${server.url}/v1/runs`, server.key, { source }),
      work(source),
    ]);
    const frames = await watch.until(({ event }) => event === 'end');
    expect(watch.status).toBe(200);
    expect(frames.map(({ event }) => event)).toEqual([
      ...['snapshot', 'run.created', 'run.started', 'run.completed', 'end'],
    ]);
    expect(watch.header('location')).toBe(`/v1/runs/${String(frames[0]?.data['id'])}`);
  });

  test('a retry of a streamed creation watches the same run', async () => {
    const headers = { 'idempotency-key': 'one-run' };
    const first = await Watch.post(`${server.url}/v1/runs`, server.key, {}, headers);
    const [snapshot] = await first.until(({ event }) => event === 'snapshot');
    first.close();
    const again = await Watch.post(`${server.url}/v1/runs`, server.key, {}, headers);
    const [same] = await again.until(({ event }) => event === 'snapshot');
    again.close();
    expect(same?.data['id']).toBe(snapshot?.data['id']);
  });
});

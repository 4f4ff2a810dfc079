import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Api, type Body, newProject } from './support/api.js';
import { type Server, startServer } from './support/server.js';
import { type Frame, Watch } from './support/sse.js';

let server: Server;
let api: Api;

beforeAll(async () => {
  server = await startServer();
  api = new Api(server.url, server.key);
});

afterAll(async () => {
  await server.stop();
});

/** Someone else in the same project. */
const caller = async (role: string): Promise<Api> => {
  const made = await api.made('/api-keys', { name: role, project_id: 'default', role });
  return new Api(server.url, String(made['key']));
};

const created = async (path: string, body: unknown = {}): Promise<string> =>
  String((await api.post(path, body)).body['id']);
const append = (run: string, ...events: object[]) => api.post(`/runs/${run}/events`, { events });
const say = (text: string, more: object = {}) => ({
  type: 'message.output.delta',
  data: { delta: text },
  ...more,
});
const listed = async (path: string): Promise<Body[]> => (await api.get(path)).body['data'] as Body[];
const types = (events: readonly Body[]) => events.map(({ type }) => type);
const numbers = (events: readonly Body[]) => events.map(({ sequence_number }) => sequence_number);
const move = (run: string, status: string) => api.patch(`/runs/${run}`, { status });
const watch = (path: string, headers: Record<string, string> = {}, key = server.key) =>
  Watch.open(`${server.url}/v1${path}`, key, headers);
const ends = ({ event }: Frame) => event === 'end';
const told = (frames: readonly Frame[]) =>
  frames.filter(({ id }) => id !== undefined).map(({ event }) => event);
const ids = (frames: readonly Frame[]) => frames.flatMap(({ id }) => (id === undefined ? [] : Number(id)));
const count = (most: number) => Array.from({ length: most }, (_, n) => n + 1);

describe('appending events', () => {
  test('they stand behind those that the service wrote, numbered without a gap', async () => {
    const run = await created('/runs');
    await move(run, 'running');
    const { status, body } = await append(
      run,
      { type: 'user', data: { text: 'Hi', mood: 'good' } },
      { type: 'x.own' },
    );
    expect(status).toBe(201);
    expect(body).toEqual({ first_sequence_number: 3, last_sequence_number: 4, appended: 2, skipped: 0 });
    await move(run, 'completed');
    const events = await listed(`/runs/${run}/events`);
    expect(types(events)).toEqual(['run.created', 'run.started', 'user', 'x.own', 'run.completed']);
    expect(numbers(events)).toEqual(count(5));
    expect(events[2]).toMatchObject({ run_id: run, data: { text: 'Hi', mood: 'good' } });
  });

  test('an id that the run has seen is skipped, and where it stands is told', async () => {
    const run = await created('/runs');
    const [a, b] = [randomUUID(), randomUUID()];
    await append(run, say('one', { id: a }));
    expect((await append(run, say('one', { id: a }), say('two', { id: b }))).body).toEqual({
      first_sequence_number: 3,
      last_sequence_number: 3,
      appended: 1,
      skipped: 1,
    });
    expect((await append(run, say('two', { id: b }), say('one', { id: a }))).body).toEqual({
      first_sequence_number: 2,
      last_sequence_number: 3,
      appended: 0,
      skipped: 2,
    });
    expect((await listed(`/runs/${run}/events`)).map(({ id }) => id).slice(1)).toEqual([a, b]);
  });

  test('many writers at once lose nothing and leave no gap', async () => {
    const run = await created('/runs');
    const answers = await Promise.all(count(40).map((n) => append(run, say(`${n}a`), say(`${n}b`))));
    const firsts = answers.map(({ body }) => Number(body['first_sequence_number'])).sort((x, y) => x - y);
    expect(firsts).toEqual(count(40).map((n) => 2 * n));
    expect(numbers(await listed(`/runs/${run}/events`))).toEqual(count(81));
  });

  test('a run that has ended takes no more, but for what it has seen', async () => {
    const run = await created('/runs');
    const id = randomUUID();
    await append(run, say('last', { id }));
    await api.post(`/runs/${run}/cancel`);
    expect(await append(run, say('late'))).toMatchObject({ status: 409, body: { code: 'run_terminal' } });
    expect(await append(run, say('last', { id }))).toMatchObject({ status: 201, body: { skipped: 1 } });
  });

  test.each([
    [[], 'validation_failed', '/events'],
    [[{ type: 'nope' }], 'unknown_event_type', '/events/0/type'],
    [[{ type: 'run.created' }], 'unknown_event_type', '/events/0/type'],
    [[{ type: 'x.UPPER' }], 'unknown_event_type', '/events/0/type'],
    [[{ data: {} }], 'validation_failed', '/events/0/type'],
    [[{ type: 'x.a' }, { type: 'user', data: {} }], 'validation_failed', '/events/1/data/text'],
    [[{ type: 'x.a', data: [] }], 'validation_failed', '/events/0/data'],
    [[{ type: 'x.a', id: 'abc' }], 'validation_failed', '/events/0/id'],
    [[{ type: 'x.a', more: 1 }], 'validation_failed', '/events/0/more'],
    [[{ type: 'action_plan', data: { steps: [{}] } }], 'validation_failed', '/events/0/data/steps/0'],
    [[{ type: 'completion', data: { done: 'yes' } }], 'validation_failed', '/events/0/data/done'],
    [[{ type: 'tool_call.failed', data: { tool_use_id: 't' } }], 'validation_failed', '/events/0/data/error'],
    [
      [{ type: 'message.output.completed', data: { text: '', usage: { input_tokens: '1' } } }],
      'validation_failed',
      '/events/0/data/usage/input_tokens',
    ],
  ])('%j is refused as a whole, and the place is named', async (events, code, pointer) => {
    const run = await created('/runs');
    const { status, body } = await append(run, ...events);
    expect([status, body['code']]).toEqual([400, code]);
    expect(body['errors']).toContainEqual(expect.objectContaining({ pointer }));
    expect(await listed(`/runs/${run}/events`)).toHaveLength(1);
  });

  test('an optional field may be null, and usage may hold what else a model tells: all is kept', async () => {
    const run = await created('/runs');
    const usage = { input_tokens: 3, output_tokens: null, total_tokens: 9, tier: { name: 'batch' } };
    const events = [
      { type: 'completion', data: { done: false, done_reason: null, usage: null } },
      { type: 'permission', data: { tool_id: 't', operation: null, tool_input: null } },
      { type: 'action_plan', data: { steps: [{ title: 'Look', description: null }] } },
      { type: 'message.output.completed', data: { text: 'Hi', usage } },
    ];
    expect(await append(run, ...events)).toMatchObject({ status: 201 });
    expect((await listed(`/runs/${run}/events?exclude=run.created`)).map(({ data }) => data)).toEqual(
      events.map(({ data }) => data),
    );
    expect((await api.get(`/runs/${run}`)).body['usage']).toEqual({
      ...{ input_tokens: 3, output_tokens: 0, cache_read_tokens: 0 },
      ...{ cache_creation_tokens: 0, cost_usd: 0 },
    });
  });

  test('more than 1,000 events, or more than 512 KiB of data, are refused', async () => {
    const run = await created('/runs');
    expect((await append(run, ...count(1_001).map(() => ({ type: 'x.a' })))).status).toBe(400);
    expect((await append(run, { type: 'x.a', data: { big: 'x'.repeat(512 * 1024) } })).status).toBe(400);
    expect((await append(run, ...count(1_000).map(() => ({ type: 'x.a' })))).body['appended']).toBe(1_000);
  });

  test('a worker whose lease is not the run’s appends nothing', async () => {
    const run = await created('/runs');
    const fenced = await api.post(
      `/runs/${run}/events`,
      { events: [say('x')] },
      { 'lease-id': randomUUID() },
    );
    expect(fenced).toMatchObject({ status: 409, body: { code: 'lease_lost', run_status: 'pending' } });
    expect(await listed(`/runs/${run}/events`)).toHaveLength(1);
  });

  test('another user finds no such run', async () => {
    const run = await created('/runs');
    const other = await caller('user');
    expect((await other.post(`/runs/${run}/events`, { events: [say('x')] })).status).toBe(404);
    expect((await other.get(`/runs/${run}/events`)).status).toBe(404);
  });
});

describe('what is told folds onto run and session', () => {
  test('output, usage and both previews', async () => {
    const session = await created('/sessions');
    const run = await created(`/sessions/${session}/runs`);
    await move(run, 'running');
    const usage = { input_tokens: 5, cost_usd: 0.5 };
    await append(
      run,
      { type: 'user', data: { text: `${'😀'.repeat(199)}abc` } },
      { type: 'message.output.completed', data: { text: 'Answer', usage } },
      { type: 'completion', data: { done: true, usage: { output_tokens: 7 } } },
    );
    const sum = { ...usage, output_tokens: 7, cache_read_tokens: 0, cache_creation_tokens: 0 };
    expect((await api.get(`/runs/${run}`)).body).toMatchObject({
      output: { text: 'Answer' },
      usage: sum,
      revision: 2,
    });
    expect((await api.get(`/sessions/${session}`)).body).toMatchObject({
      preview: `${'😀'.repeat(199)}a`,
      output_preview: 'Answer',
      usage: sum,
    });
  });

  test('tool calls are a resource of their own', async () => {
    const run = await created('/runs');
    await append(run, {
      type: 'tool_call.started',
      data: { tool_use_id: 'a', name: 'grep', arguments: { q: 1 } },
    });
    await append(
      run,
      { type: 'tool_call.started', data: { tool_use_id: 'b', name: 'sed' } },
      { type: 'tool_call.arguments.delta', data: { tool_use_id: 'b', delta: '{"n":' } },
      { type: 'tool_call.completed', data: { tool_use_id: 'a', result: 'found' } },
    );
    await append(
      run,
      { type: 'tool_call.arguments.delta', data: { tool_use_id: 'b', delta: '2}' } },
      { type: 'tool_call.failed', data: { tool_use_id: 'b', error: { code: 'no', message: 'No.' } } },
    );
    const calls = await listed(`/runs/${run}/tool_calls`);
    expect(calls).toMatchObject([
      { tool_use_id: 'b', name: 'sed', status: 'failed', arguments: { n: 2 }, error: { code: 'no' } },
      { tool_use_id: 'a', name: 'grep', status: 'completed', arguments: { q: 1 }, result_preview: 'found' },
    ]);
    const first = (await api.get(`/runs/${run}/tool_calls?limit=1`)).body;
    expect(await listed(`/runs/${run}/tool_calls?limit=1&cursor=${String(first['next_cursor'])}`)).toEqual([
      calls[1],
    ]);
  });
});

describe('reading events', () => {
  let session: string;
  let runs: string[];

  beforeAll(async () => {
    session = await created('/sessions');
    runs = [await created(`/sessions/${session}/runs`)];
    runs.push(await created(`/sessions/${session}/runs`, { on_active_run: 'allow' }));
    // The feed changes from one run to the other many times.
    for (const n of count(30))
      await append(runs[n % 2] as string, say(String(n)), { type: 'x.n', data: { n } });
    await api.patch(`/sessions/${session}`, { title: 'New' });
  });

  test('a session’s feed holds its own events and those of its runs, numbered without a gap', async () => {
    const events = await listed(`/sessions/${session}/events`);
    expect(numbers(events)).toEqual(count(64));
    expect(types(events).slice(0, 3)).toEqual(['session.created', 'run.created', 'run.created']);
    expect(types(events).at(-1)).toBe('session.updated');
    expect(events.filter(({ type }) => type === 'x.n').map(({ data }) => (data as { n: number }).n)).toEqual(
      count(30),
    );
    expect(events.every(({ session_id }) => session_id === session)).toBe(true);
  });

  test.each(['asc', 'desc'])(
    'pages in the order %s hold each event once, with any filter and limit',
    async (order) => {
      for (const filter of ['', '&types=x.n', '&exclude=x.n,run.created', '&types=x.n&starting_after=20']) {
        const path = `/sessions/${session}/events?order=${order}${filter}`;
        const all = await listed(path);
        expect(all.length).toBeGreaterThan(0);
        const paged: Body[] = [];
        for (let cursor = ''; ;) {
          const { body } = await api.get(`${path}&limit=7${cursor}`);
          paged.push(...(body['data'] as Body[]));
          if (body['next_cursor'] === null) break;
          cursor = `&cursor=${body['next_cursor'] as string}`;
        }
        expect(paged).toEqual(all);
        expect(numbers(order === 'asc' ? all : all.toReversed())).toEqual(
          numbers(all).sort((a, b) => Number(a) - Number(b)),
        );
      }
    },
  );

  test('`after` is strictly later', async () => {
    expect(await listed(`/sessions/${session}/events?after=2100-01-01T00:00:00Z`)).toEqual([]);
    expect(await listed(`/sessions/${session}/events?after=2100-01-01T00:00:00Z&order=desc`)).toEqual([]);
    for (const path of [`/sessions/${session}/events`, `/runs/${String(runs[0])}/events`]) {
      const all = await listed(path);
      const at = String(all[10]?.['created_at']);
      expect(await listed(`${path}?after=${at}`)).toEqual(
        all.filter(({ created_at }) => String(created_at) > at),
      );
    }
  });

  test('the project’s feed has both, with positions, for those who may see it', async () => {
    const auditor = await caller('auditor');
    const { status, body } = await auditor.get('/events?types=x.n&limit=10000');
    expect(status).toBe(200);
    const ours = (body['data'] as Body[]).filter(({ session_id }) => session_id === session);
    expect(ours).toHaveLength(30);
    const positions = ours.map(({ position }) => Number(position));
    expect(positions).toEqual([...positions].sort((a, b) => a - b));
    expect((await (await caller('user')).get('/events')).status).toBe(403);
  });

  test('the project’s feed names the session with whatever happens to its run', async () => {
    const run = await created('/runs', { session_id: session, on_active_run: 'allow' });
    for (const change of [{ metadata: { a: 1 } }, { status: 'running' }, { usage: { input_tokens: 1 } }])
      expect((await api.patch(`/runs/${run}`, change)).status).toBe(200);
    const { body } = await (await caller('auditor')).get('/events?order=desc&limit=100');
    const told = (body['data'] as Body[]).filter(({ run_id }) => run_id === run);
    expect(types(told)).toEqual(['run.updated', 'run.started', 'run.updated', 'run.created']);
    for (const { session_id, data } of told) {
      expect(session_id).toBe(session);
      expect(data).not.toHaveProperty('session_id');
    }
  });

  test('the project’s feed has nothing of another project', async () => {
    const stranger = await (await newProject(server)).caller('auditor');
    const { status, body } = await stranger.get('/events?types=x.n,run.created&limit=10000');
    expect([status, body['data']]).toEqual([200, []]);
  });

  test('the project’s feed is read the newest first too, page by page', async () => {
    const forwards = (await listed('/events?types=x.n&limit=10000')).map(({ position }) => Number(position));
    const lowest = forwards.at(-26) ?? 0;
    const paged: number[] = [];
    for (let cursor = ''; ;) {
      const path = `/events?order=desc&types=x.n&starting_after=${lowest}&limit=7${cursor}`;
      const { body } = await api.get(path);
      paged.push(...(body['data'] as Body[]).map(({ position }) => Number(position)));
      if (body['next_cursor'] === null) break;
      cursor = `&cursor=${body['next_cursor'] as string}`;
    }
    expect(paged).toEqual(forwards.slice(-25).reverse());
    expect(await listed('/events?order=asc&limit=5')).toEqual(await listed('/events?limit=5'));
  });

  test.each([
    ['types=nope', 'unknown_event_type'],
    ['exclude=nope', 'unknown_event_type'],
    ['starting_after=-1', 'validation_failed'],
    ['starting_after=1&after=2026-01-01T00:00:00Z', 'validation_failed'],
    ['starting_after=1&after=2100-01-01T00:00:00Z', 'validation_failed'],
    ['after=2100-01-01T00:00:00Z&types=nope', 'unknown_event_type'],
    ['after=2100-01-01T00:00:00Z&cursor=abc', 'invalid_cursor'],
    ['after=yesterday', 'validation_failed'],
    ['limit=10001', 'validation_failed'],
    ['cursor=abc', 'invalid_cursor'],
    ['nope=1', 'validation_failed'],
  ])('?%s is refused', async (query, code) => {
    expect((await api.get(`/sessions/${session}/events?${query}`)).body['code']).toBe(code);
  });
});

describe('watching', () => {
  test('is not for a client that refuses it, or wants another form more', async () => {
    const run = await created('/runs');
    await move(run, 'cancelled');
    for (const accept of [
      'text/event-stream;q=0',
      'application/json, Text/Event-Stream; q=0.000',
      'application/json, text/event-stream;q=0.9',
    ]) {
      const { headers } = await api.get(`/runs/${run}/events`, { accept });
      expect(headers.get('content-type')).toMatch(/^application\/json/);
    }
    for (const accept of ['application/json, text/event-stream', 'text/event-stream;q=0.9, */*']) {
      const { headers, body } = await fetch(`${api.url}/v1/runs/${run}/events`, {
        headers: { accept, authorization: `Bearer ${api.key}` },
      });
      expect(headers.get('content-type')).toMatch(/^text\/event-stream/);
      await body?.cancel();
    }
  });

  test.each([
    ['limit', 'limit=1'],
    ['order', 'order=desc'],
    ['cursor', 'cursor=abc'],
  ])('has no pages: %s is refused', async (parameter, query) => {
    const run = await created('/runs');
    await move(run, 'cancelled');
    const session = await created('/sessions');
    const paths = [`/runs/${run}/events`, `/runs/${run}/logs`, `/sessions/${session}/events`, '/events'];
    for (const path of paths) {
      const watching = await watch(`${path}?${query}`);
      expect(watching.status).toBe(400);
      expect(JSON.parse(await watching.text())).toMatchObject({ errors: [{ parameter }] });
    }
  });

  test('a run: what it is, what happened, what happens, and the end', async () => {
    const run = await created('/runs');
    await append(run, say('one'));
    const watching = await watch(`/runs/${run}/events`);
    expect([watching.status, watching.header('content-type')]).toEqual([
      200,
      'text/event-stream; charset=utf-8',
    ]);
    const frames = watching.until(ends);
    await append(run, say('two'));
    await move(run, 'running');
    await move(run, 'completed');
    const all = await frames;
    expect(all[0]).toMatchObject({ event: 'snapshot', id: undefined, data: { id: run } });
    expect(told(all)).toEqual([
      ...['run.created', 'message.output.delta', 'message.output.delta', 'run.started', 'run.completed'],
    ]);
    expect(ids(all)).toEqual(count(5));
    expect(all.filter(({ id }) => id !== undefined).map(({ data }) => data)).toEqual(
      await listed(`/runs/${run}/events`),
    );
  });

  test('a run that has ended: what is left, and the end, from any number on', async () => {
    const run = await created('/runs');
    await append(run, say('one'));
    await api.post(`/runs/${run}/cancel`);
    for (const after of [0, 1, 2, 3]) {
      const frames = await (await watch(`/runs/${run}/events?starting_after=${after}`)).until(ends);
      expect(ids(frames)).toEqual(count(3).slice(after));
      expect(frames.at(-1)?.event).toBe('end');
    }
  });

  test('Last-Event-ID wins over starting_after; what is no number is refused', async () => {
    const run = await created('/runs');
    await api.post(`/runs/${run}/cancel`);
    const frames = await (
      await watch(`/runs/${run}/events?starting_after=0`, { 'last-event-id': '1' })
    ).until(ends);
    expect(ids(frames)).toEqual([2]);
    expect((await watch(`/runs/${run}/events`, { 'last-event-id': 'x' })).status).toBe(400);
  });

  test('a filter leaves the numbers as they are', async () => {
    const run = await created('/runs');
    const frames = (await watch(`/runs/${run}/events?types=x.a`)).until(ends);
    await append(run, say('one'), { type: 'x.a' }, say('two'), { type: 'x.a' });
    await api.post(`/runs/${run}/cancel`);
    expect(ids(await frames)).toEqual([3, 5]);
  });

  test('a session: snapshot, all of its runs, and the end when it is deleted', async () => {
    const session = await created('/sessions');
    const frames = (await watch(`/sessions/${session}/events`)).until(ends);
    const run = await created(`/sessions/${session}/runs`);
    await append(run, say('one'));
    await api.delete(`/sessions/${session}`);
    const all = await frames;
    expect(all[0]).toMatchObject({ event: 'snapshot', data: { id: session } });
    expect(told(all).slice(0, 4)).toEqual([
      'session.created',
      'run.created',
      'message.output.delta',
      'session.deleted',
    ]);
    expect(ids(all)).toEqual(count(ids(all).length));
  });

  test('a session: a change of a run in it, though that tells of no session', async () => {
    const session = await created('/sessions');
    const run = await created(`/sessions/${session}/runs`);
    const changes: unknown[] = [];
    for await (const { event, data } of await watch(`/sessions/${session}/events`)) {
      if (event === 'run.created') await api.patch(`/runs/${run}`, { metadata: { round: 1 } });
      if (event !== 'run.updated') continue;
      changes.push(data['data']);
      if (changes.length === 2) break;
      await api.patch(`/runs/${run}`, { metadata: { round: 2 } });
    }
    expect(changes).toEqual([{ metadata: { round: 1 } }, { metadata: { round: 2 } }]);
  });

  test('a session, from a time on', async () => {
    const session = await created('/sessions');
    const run = await created(`/sessions/${session}/runs`);
    for (const type of ['x.a', 'x.b', 'x.c']) await append(run, { type });
    const all = await listed(`/sessions/${session}/events`);
    const times = [0, 2].map((n) => String(all[n]?.['created_at']));
    const watches = await Promise.all(
      times.map((at) => watch(`/sessions/${session}/events?after=${at}&types=run.created,x.a,x.b,x.c`)),
    );
    await api.delete(`/sessions/${session}`);
    const seen = await Promise.all(watches.map(async (one) => ids(await one.until(ends))));
    const later = (at: string) => all.filter(({ created_at }) => String(created_at) > at);
    expect(seen).toEqual(times.map((at) => numbers(later(at))));
  });

  test('the project, from a position on', async () => {
    const run = await created('/runs');
    await append(run, { type: 'x.mark' });
    const [mark] = (await listed('/events?types=x.mark&limit=10000')).filter(({ run_id }) => run_id === run);
    const watching = await watch(`/events?starting_after=${String(mark?.['position'])}`);
    const frames = watching.until(({ event }) => event === 'x.done');
    await append(run, { type: 'x.done' });
    const all = await frames;
    watching.close();
    expect(told(all)).toEqual(['x.done']);
    expect(Number(all[0]?.id)).toBe(all[0]?.data['position']);
  });

  test('a key that is revoked ends what it watches', async () => {
    const run = await created('/runs');
    const made = (await api.post('/api-keys', { name: 'short', project_id: 'default', role: 'auditor' }))
      .body;
    const watching = await watch(`/runs/${run}/events`, {}, String(made['key']));
    const frames: Frame[] = [];
    for await (const frame of watching) {
      frames.push(frame);
      if (frame.event === 'run.created') await api.delete(`/api-keys/${String(made['id'])}`);
    }
    expect(told(frames)).toEqual(['run.created']);
  });

  test('a filtered reader is moved on while nothing is told', async () => {
    const run = await created('/runs');
    const watching = await watch(`/runs/${run}/events?types=x.a`);
    const frames = watching.until(({ event }) => event === 'bookmark');
    await append(run, say('one'), say('two'));
    expect((await frames).at(-1)).toMatchObject({ id: '3' });
    watching.close();
  });

  test('SIGTERM ends the streams and the server, so that clients go on elsewhere', async () => {
    const other = await startServer();
    const client = new Api(other.url, other.key);
    const run = String((await client.post('/runs')).body['id']);
    const watching = await Watch.open(`${other.url}/v1/runs/${run}/events`, other.key);
    const frames = watching.until(() => false);
    expect(await other.stop()).toBe(0);
    expect((await frames).some(ends)).toBe(false);
  });
});

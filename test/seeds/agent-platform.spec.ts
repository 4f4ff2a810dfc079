import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { type Api, type Body, dataOf, newProject, type Reply } from '../support/api.js';
import { type Server, startServer } from '../support/server.js';
import { Watch } from '../support/sse.js';
import { until } from '../support/supervised-service.js';

let server: Server;
let project: Awaited<ReturnType<typeof newProject>>;
let user: Api;
let worker: Api;
let session: string;

beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server.stop();
});
beforeEach(async () => {
  project = await newProject(server);
  [user, worker] = await Promise.all([project.caller('user'), project.caller('worker')]);
  session = (await user.made('/sessions')).id;
});

const input = { message: 'What is the weather in Bern?' };
const turn = [
  { type: 'user', data: { text: input.message } },
  { type: 'reasoning.summary.delta', data: { delta: 'A forecast is needed.' } },
  { type: 'tool_call.started', data: { tool_use_id: 't1', name: 'weather', arguments: { city: 'Bern' } } },
  { type: 'tool_call.completed', data: { tool_use_id: 't1', result: { degrees: 21 } } },
  { type: 'tool_call.started', data: { tool_use_id: 't2', name: 'traffic' } },
  { type: 'tool_call.failed', data: { tool_use_id: 't2', error: { code: 'down', message: 'no answer' } } },
  { type: 'message.output.delta', data: { delta: '21 ' } },
  { type: 'message.output.delta', data: { delta: 'degrees.' } },
  { type: 'message.output.completed', data: { text: '21 degrees.' } },
];

/** A worker takes the run from the queue, tells what happens, and completes it. */
async function work(): Promise<string> {
  const [run] = dataOf(await worker.post('/runs/claim', { worker_id: 'w', wait_seconds: 60 }));
  const path = `/runs/${String(run?.['id'])}`;
  const lease = { 'lease-id': String(run?.['lease_id']) };
  await worker.post(`${path}/events`, { events: turn }, lease);
  await worker.patch(path, { status: 'completed' }, lease);
  return String(run?.['id']);
}

it('a message stores its input and makes a run, which a worker takes from the queue', async () => {
  const asked = await user.made(`/sessions/${session}/runs`, { input });
  expect(asked).toMatchObject({ status: 'pending', input });
  expect(await work()).toBe(asked.id);
  expect((await worker.get(`/runs/${asked.id}`)).body).toMatchObject({ status: 'completed', input });
});

it('a client renders from the event log alone, and from where it was cut off', async () => {
  const { id } = await user.made(`/sessions/${session}/runs`, { input });
  const url = `${server.url}/v1/runs/${id}/events`;
  const watch = await Watch.open(url, user.key);
  const working = work();
  const first = await watch.until(({ event }) => event === 'tool_call.completed');
  watch.close();
  await working;
  const rest = await Watch.open(url, user.key, { 'last-event-id': String(first.at(-1)?.id) });
  const frames = [...first, ...(await rest.until(({ event }) => event === 'end'))];
  const events = frames.filter(({ id }) => id !== undefined);
  expect(events.map(({ id }) => id)).toEqual(events.map((_, n) => String(n + 1)));
  expect(events.map(({ event }) => event)).toEqual([
    'run.created',
    'run.started',
    ...turn.map(({ type }) => type),
    'run.completed',
  ]);
  const text = events
    .filter(({ event }) => event === 'message.output.delta')
    .map(({ data }) => data['data'] as Body);
  expect(text.map(({ delta }) => delta).join('')).toBe('21 degrees.');
});

it('tool calls are normalised, and linked to the run', async () => {
  await user.made(`/sessions/${session}/runs`, { input });
  const calls = dataOf(await user.get(`/runs/${await work()}/tool_calls?order=asc`));
  expect(calls).toMatchObject([
    { tool_use_id: 't1', name: 'weather', status: 'completed', arguments: { city: 'Bern' }, error: null },
    { tool_use_id: 't2', name: 'traffic', status: 'failed', error: { code: 'down', message: 'no answer' } },
  ]);
  expect(String(calls[0]?.['result_preview'])).toContain('21');
});

it('the reply and a snapshot of what was said are written back into the session', async () => {
  await user.made(`/sessions/${session}/runs`, { input });
  const run = await work();
  let segments: Body[] = [];
  await until(async () => {
    segments = dataOf(await user.get(`/sessions/${session}/transcript`));
    return segments.length > 0;
  });
  expect(segments.every(({ run_id }) => run_id === run)).toBe(true);
  expect(segments.filter(({ kind }) => kind === 'message')).toMatchObject([
    { role: 'user', content: input.message },
    { role: 'assistant', content: '21 degrees.' },
  ]);
  expect((await user.get(`/sessions/${session}`)).body).toMatchObject({ output_preview: '21 degrees.' });
});

it('a create call may wait for the end, or read the stream from the creation on', async () => {
  const waiting = user.post(`/sessions/${session}/runs?wait=true`, { input });
  await work();
  expect(await waiting).toMatchObject({
    status: 201,
    body: { status: 'completed', output: { text: '21 degrees.' } },
  });
  const stream = await Watch.post(`${server.url}/v1/sessions/${session}/runs`, user.key, { input });
  const working = work();
  const types = (await stream.until(({ event }) => event === 'end')).map(({ event }) => event);
  expect([types[0], types[1], types.at(-2)]).toEqual(['snapshot', 'run.created', 'run.completed']);
  await working;
});

it('a missing precondition fails with a code that names it', async () => {
  const code = ({ status, body }: Reply): unknown => [status, body['code']];
  const { id } = await user.made(`/sessions/${session}/runs`);
  const stranger = await project.caller('user');
  expect(code(await user.post('/runs', { session_id: id }))).toEqual([422, 'unknown_reference']);
  expect(code(await stranger.post('/runs', { session_id: session }))).toEqual([422, 'unknown_reference']);
  expect(code(await stranger.post(`/sessions/${session}/runs`))).toEqual([404, 'not_found']);
  expect(code(await worker.patch(`/runs/${id}`, { status: 'completed' }))).toEqual([
    409,
    'illegal_transition',
  ]);
  await user.post(`/runs/${id}/cancel`);
  const late = { events: [{ type: 'user', data: { text: 'late' } }] };
  expect(code(await worker.post(`/runs/${id}/events`, late))).toEqual([409, 'run_terminal']);
  await user.delete(`/sessions/${session}`);
  expect(code(await user.post(`/sessions/${session}/runs`))).toEqual([410, 'session_deleted']);
});

it('the role is that of now, not that of when the work was asked for', async () => {
  const leaving = await project.caller('worker');
  const { id } = await user.made('/runs', { input });
  const [run] = dataOf(await leaving.post('/runs/claim', { worker_id: 'w' }));
  expect(run?.['id']).toBe(id);
  const { principal_id } = (await leaving.get('/me')).body;
  await fetch(`${server.url}/v1/api-keys/${String(principal_id)}`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${server.key}` },
  });
  await until(async () => (await leaving.get('/me')).status === 401);
  const reply = await leaving.patch(`/runs/${id}`, { status: 'completed' });
  expect([reply.status, reply.body['code']]).toEqual([401, 'unauthenticated']);
  expect((await worker.get(`/runs/${id}`)).body['status']).toBe('running');
});

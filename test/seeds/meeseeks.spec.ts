import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { type Api, type Body, dataOf, newProject, type Reply } from '../support/api.js';
import { type Server, startServer } from '../support/server.js';

let server: Server;
let user: Api;
let worker: Api;

beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server.stop();
});
beforeEach(async () => {
  const project = await newProject(server);
  [user, worker] = await Promise.all([project.caller('user'), project.caller('worker')]);
});

const resolve = async (body: object): Promise<{ status: number; resolution: unknown; session: Body }> => {
  const { status, body: answer } = await user.post('/sessions/resolve', body);
  return { status, resolution: answer['resolution'], session: answer['session'] as Body };
};
const start = async (session: string): Promise<string> => {
  const { id } = await user.made(`/sessions/${session}/runs`);
  await worker.patch(`/runs/${id}`, { status: 'running' });
  return id;
};
const tell = (run: string, type: string, data: object): Promise<Reply> =>
  worker.post(`/runs/${run}/events`, { events: [{ type, data }] });
const command = (session: string, text: string): Promise<Reply> =>
  user.post(`/sessions/${session}/commands`, { text });
const summary = async (session: string): Promise<Body> =>
  (await user.get(`/sessions/${session}/summary`)).body;

it('finds a session by its id, by its tag, or makes one that bears it', async () => {
  const made = await resolve({ alias: 'chores' });
  const { id } = made.session;
  expect([made.status, made.resolution]).toEqual([201, 'created']);
  expect(await resolve({ alias: 'chores' })).toMatchObject({
    status: 200,
    resolution: 'alias',
    session: { id },
  });
  expect(await resolve({ session_id: id })).toMatchObject({ status: 200, resolution: 'session_id' });
});

it('finds it as it is, with what has happened in it', async () => {
  const { id } = await user.made('/sessions');
  await start(id);
  await user.get(`/sessions/${id}`);
  const { session } = await resolve({ session_id: id });
  expect(session).toMatchObject({ status: 'active', run_counts: { running: 1 } });
});

it('moves a tag to the session that is asked to bear it', async () => {
  const [first, second] = [await user.made('/sessions', { alias: 'now' }), await user.made('/sessions')];
  await resolve({ session_id: second.id, alias: 'now' });
  expect((await resolve({ alias: 'now' })).session).toMatchObject({ id: second.id, alias: 'now' });
  expect((await user.get(`/sessions/${first.id}`)).body['alias']).toBeNull();
});

it('runs while the client waits, or in the background', async () => {
  const { id } = await user.made('/sessions');
  const waiting = user.post(`/sessions/${id}/runs?wait=true`);
  const [run] = dataOf(await worker.post('/runs/claim', { worker_id: 'w', wait_seconds: 60 }));
  await worker.patch(`/runs/${String(run?.['id'])}`, { status: 'completed', output: 'done' });
  expect(await waiting).toMatchObject({ status: 201, body: { status: 'completed', output: 'done' } });
  const background = await user.post(`/sessions/${id}/runs`);
  expect(background).toMatchObject({ status: 201, body: { status: 'pending' } });
});

it('knows the active run of a session, which /terminate cancels', async () => {
  const { id } = await user.made('/sessions');
  const run = await start(id);
  expect(await user.ids(`/sessions/${id}/runs?status=running`)).toEqual([run]);
  expect(await command(id, '/terminate')).toMatchObject({
    status: 202,
    body: { status: 'cancelled', run_id: run },
  });
  expect((await user.get(`/runs/${run}`)).body['status']).toBe('cancelled');
  expect(await command(id, '/terminate')).toMatchObject({ status: 202, body: { status: 'no_op' } });
});

it('understands /status and /compact, and says so when it does not', async () => {
  const { id } = await user.made('/sessions');
  const status = await command(id, '/status');
  expect([status.status, status.body]).toEqual([200, await summary(id)]);
  expect((await command(id, '/compact')).status).toBe(202);
  const asked = dataOf(await user.get(`/sessions/${id}/events?types=session.updated`));
  expect(asked).toMatchObject([{ data: { command: '/compact' } }]);
  expect((await command(id, '/dance')).body['code']).toBe('unknown_command');
});

it('sums a session up: title, status, done reason, context, archived', async () => {
  const { id } = await user.made('/sessions');
  expect(await summary(id)).toMatchObject({
    session_id: id,
    title: `Session ${id.slice(0, 8)}`,
    status: 'idle',
    done_reason: null,
    running: false,
    context: {},
    archived: false,
  });
  const run = await start(id);
  await tell(run, 'user', { text: 'Wash the car' });
  await tell(run, 'context', { files: 3 });
  await worker.patch(`/runs/${run}`, { status: 'failed', done_reason: 'max_steps' });
  await user.post(`/sessions/${id}/archive`);
  expect(await summary(id)).toMatchObject({
    title: 'Wash the car',
    status: 'incomplete',
    done_reason: 'max_steps',
    context: { files: 3 },
    archived: true,
  });
});

it('reads the events that came after a moment', async () => {
  const { id } = await user.made('/sessions');
  const run = await start(id);
  const [created] = dataOf(await user.get(`/sessions/${id}/events`));
  await tell(run, 'action_plan', { steps: [{ title: 'Rinse', description: 'with water' }] });
  await tell(run, 'tool_result', { tool_id: 'hose', operation: 'get', tool_input: { bar: 3 } });
  const after = `after=${String(created?.['created_at'])}`;
  const later = dataOf(await worker.get(`/sessions/${id}/events?${after}&types=action_plan,tool_result`));
  expect(later.map(({ type, data }) => [type, data])).toEqual([
    ['action_plan', { steps: [{ title: 'Rinse', description: 'with water' }] }],
    ['tool_result', { tool_id: 'hose', operation: 'get', tool_input: { bar: 3 } }],
  ]);
  const last = String(later.at(-1)?.['created_at']);
  expect(dataOf(await worker.get(`/sessions/${id}/events?after=${last}`))).toEqual([]);
});

it('hides archived sessions from lists unless they are asked for', async () => {
  const [kept, put] = [await user.made('/sessions'), await user.made('/sessions')];
  await user.post(`/sessions/${put.id}/archive`);
  expect(await user.ids('/sessions')).toEqual([kept.id]);
  expect(await user.ids('/sessions?archived=true')).toEqual([put.id]);
  await user.post(`/sessions/${put.id}/unarchive`);
  expect(await user.ids('/sessions')).toEqual([put.id, kept.id]);
});

import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { type Api, type Body, dataOf, newProject, type Reply } from '../support/api.js';
import { type Server, startServer } from '../support/server.js';
import { Watch } from '../support/sse.js';
import { until } from '../support/supervised-service.js';

let server: Server;
let project: Awaited<ReturnType<typeof newProject>>;
let user: Api;
let runner: Api;
let session: string;

beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server.stop();
});
beforeEach(async () => {
  project = await newProject(server);
  [user, runner] = await Promise.all([project.caller('user'), project.caller('worker')]);
  session = (await user.made('/sessions')).id;
});

type Claimed = Body & { id: string; lease_id: string };
const invoke = (on_active_run?: string): Promise<Reply> =>
  user.post(`/sessions/${session}/runs`, on_active_run === undefined ? {} : { on_active_run });
const claim = async (): Promise<Claimed> => {
  const [run] = dataOf(await runner.post('/runs/claim', { worker_id: 'runner', wait_seconds: 60 }));
  return run as Claimed;
};
const watch = (query = ''): Promise<Watch> =>
  Watch.open(`${server.url}/v1/sessions/${session}/events${query}`, user.key);
const liveness = async (): Promise<Body> => (await user.get(`/sessions/${session}/liveness`)).body;
const statusOf = async (run: string): Promise<unknown> => (await runner.get(`/runs/${run}`)).body['status'];

it('sends: the run starts with a handshake, and a second is refused while it runs', async () => {
  const sent = await invoke();
  const run = await claim();
  expect([sent.status, run.id, run['status']]).toEqual([201, sent.body['id'], 'running']);
  const second = await invoke();
  expect([second.status, second.body['code'], second.body['run_id']]).toEqual([409, 'session_busy', run.id]);
});

it('steers: the run that holds the session is cancelled first', async () => {
  await invoke();
  const first = await claim();
  const steered = await invoke('steer');
  expect([steered.status, await statusOf(first.id)]).toEqual([201, 'cancelled']);
  const beat = await runner.post(`/runs/${first.id}/heartbeat`, { lease_id: first.lease_id });
  expect([beat.status, beat.body['run_status']]).toEqual([409, 'cancelled']);
});

it('cancels: once, however often it is asked for', async () => {
  await invoke();
  const run = await claim();
  const replies = [await user.post(`/runs/${run.id}/cancel`), await user.post(`/runs/${run.id}/cancel`)];
  expect(replies.map(({ status, body }) => [status, body['status']])).toEqual([
    [200, 'cancelled'],
    [200, 'no_op'],
  ]);
});

it("attaches in the watcher's place, and detaches without cancelling", async () => {
  await invoke();
  const run = await claim();
  const first = (await watch('?attach=true')).until(({ event }) => event === 'displaced');
  await until(async () => (await liveness())['attached'] === true);
  const second = await watch('?attach=true');
  expect((await first).at(-1)?.event).toBe('displaced');
  expect(await liveness()).toMatchObject({ alive: true, attached: true });
  second.close();
  await until(async () => (await liveness())['attached'] === false);
  expect(await liveness()).toMatchObject({ alive: true, reattachable: true });
  expect(await statusOf(run.id)).toBe('running');
});

it('survives the disconnect of the client that asked, and the runner finishes', async () => {
  const asking = await Watch.post(`${server.url}/v1/sessions/${session}/runs`, user.key, {});
  const run = await claim();
  asking.close();
  await runner.patch(`/runs/${run.id}`, { status: 'completed' }, { 'lease-id': run.lease_id });
  expect(await statusOf(run.id)).toBe('completed');
});

it('opens what runners write to no user, and no runner writes without its lease', async () => {
  const id = String((await invoke()).body['id']);
  expect((await user.post('/runs/claim', { worker_id: 'me' })).status).toBe(403);
  const run = await claim();
  expect((await user.post(`/runs/${id}/heartbeat`, { lease_id: run.lease_id })).status).toBe(403);
  const stranger = { 'lease-id': session };
  const before = (await runner.get(`/runs/${id}`)).body;
  expect((await runner.post(`/runs/${id}/heartbeat`, { lease_id: session })).body['code']).toBe('lease_lost');
  expect((await runner.patch(`/runs/${id}`, { status: 'failed' }, stranger)).body['code']).toBe('lease_lost');
  expect((await runner.get(`/runs/${id}`)).body).toEqual(before);
  expect(JSON.stringify(before)).not.toContain(run.lease_id);
});

it('ingests a transcript once and in order, however often the producer sends it again', async () => {
  const run = String((await invoke()).body['id']);
  const events = ['one', 'two', 'three'].map((text, n) => ({
    id: `00000000-0000-4000-8000-00000000000${n}`,
    type: 'user',
    data: { text },
  }));
  for (const some of [events.slice(0, 2), events, events])
    await runner.post(`/runs/${run}/events`, { events: some });
  const told = dataOf(await user.get(`/runs/${run}/events?types=user`));
  expect(told.map(({ sequence_number, data }) => [sequence_number, (data as Body)['text']])).toEqual([
    [2, 'one'],
    [3, 'two'],
    [4, 'three'],
  ]);
});

it('keeps an opaque state and the sandbox in which it goes on', async () => {
  const path = `/sessions/${session}/state`;
  expect((await user.get(path)).body).toEqual({ data: null, sandbox_id: null, updated_at: null });
  await runner.call('PUT', path, { data: { step: [1, null, 'é'] }, sandbox_id: 'box-1' });
  await runner.call('PUT', path, { data: { step: 2 } });
  expect((await user.get(path)).body).toMatchObject({ data: { step: 2 }, sandbox_id: 'box-1' });
  await runner.call('PUT', `${path}/sandbox`, { sandbox_id: null });
  expect((await user.get(path)).body).toMatchObject({ data: { step: 2 }, sandbox_id: null });
});

it('waits for a person, takes one answer, and asks for the authority again when it fires', async () => {
  await invoke();
  const run = await claim();
  const admin = { url: server.url, key: server.key };
  const ask = (): Promise<Body & { id: string }> =>
    runner.made(`/runs/${run.id}/interactions`, { kind: 'user_approval', request: { text: 'Deploy?' } });
  const approve = (id: string, api: Api): Promise<Reply> =>
    api.post(`/interactions/${id}/respond`, { decision: 'approved' });
  const first = await ask();
  expect((await approve(first.id, user)).status).toBe(200);
  expect((await approve(first.id, user)).body['code']).toBe('not_pending');
  expect((await runner.post(`/interactions/${first.id}/resolve`)).body['status']).toBe('resolved');

  const leaving = await project.caller('operator');
  const second = await ask();
  expect((await approve(second.id, leaving)).status).toBe(200);
  const { principal_id } = (await leaving.get('/me')).body;
  const gone = await fetch(`${admin.url}/v1/api-keys/${String(principal_id)}`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${admin.key}` },
  });
  expect(gone.status).toBe(204);
  expect((await runner.post(`/interactions/${second.id}/resolve`)).body['status']).toBe('denied');
});

it('knows who may view, who may change, and who may run', async () => {
  const { user_id } = (await user.get('/me')).body;
  const viewer = await project.caller('viewer', String(user_id));
  const other = await project.caller('user');
  expect((await viewer.get(`/sessions/${session}`)).status).toBe(200);
  expect((await viewer.patch(`/sessions/${session}`, { title: 'x' })).status).toBe(403);
  expect((await viewer.post(`/sessions/${session}/runs`)).status).toBe(403);
  for (const method of ['GET', 'PATCH', 'DELETE']) {
    const body = method === 'PATCH' ? { title: 'x' } : undefined;
    expect((await other.call(method, `/sessions/${session}`, body)).status).toBe(404);
  }
});

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { type Api, type Body, dataOf, newProject, type Reply } from '../support/api.js';
import { type Server, startServer } from '../support/server.js';

let server: Server;
let project: Awaited<ReturnType<typeof newProject>>;
let annId: string;
let ann: Api;
let worker: Api;

beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server.stop();
});
beforeEach(async () => {
  project = await newProject(server);
  annId = randomUUID();
  [ann, worker] = await Promise.all([project.caller('user', annId), project.caller('worker')]);
});

const read = async (session: string, api = ann): Promise<Body> =>
  (await api.get(`/sessions/${session}`)).body;
const start = async (session: string): Promise<string> => {
  const { id } = await ann.made(`/sessions/${session}/runs`, { on_active_run: 'allow' });
  await worker.patch(`/runs/${id}`, { status: 'running' });
  return id;
};
const tell = (run: string, ...events: [type: string, data: object][]): Promise<Reply> =>
  worker.post(`/runs/${run}/events`, { events: events.map(([type, data]) => ({ type, data })) });

it('has five statuses, which follow from what happens in the session', async () => {
  const { id } = await ann.made('/sessions', { budget: { max_tokens: 10 } });
  const statuses = [(await read(id))['status']];
  const run = await start(id);
  statuses.push((await read(id, worker))['status']);
  const question = await worker.made(`/runs/${run}/interactions`, { kind: 'tool_call', request: {} });
  statuses.push((await read(id, worker))['status']);
  await ann.post(`/interactions/${question.id}/respond`, { answer: 'done' });
  await worker.patch(`/runs/${run}`, { status: 'completed' });
  statuses.push((await read(id, worker))['status']);
  await worker.patch(`/runs/${run}`, { usage: { input_tokens: 10 } });
  expect((await ann.post(`/sessions/${id}/runs`)).body['code']).toBe('session_paused');
  statuses.push((await read(id, worker))['status']);
  expect(statuses).toEqual(['started', 'active', 'waiting_for_tool_results', 'idle', 'paused']);
});

it('keeps everything that an agent is set up with, and takes each back by null', async () => {
  const setup = {
    title: 'Trip',
    locale: 'de-CH',
    tags: ['travel', 'work'],
    harness_id: 'h',
    agent_id: 'a',
    agent_version_id: 'v',
    agent_identity_id: 'i',
    model_id: 'm',
    capabilities: ['search', { name: 'files', features: ['file_system'] }],
    tools: [{ name: 'book', parameters: { type: 'object' } }],
    mcp_servers: { mail: { url: 'https://mail.example' } },
    system_prompt: 'Be brief.',
    initial_files: [{ path: '/notes.md', content: 'SGk=', encoding: 'base64', is_readonly: true }],
    hints: { theme: 'dark' },
    network_access: { allowed: ['*.example'], blocked: [] },
    max_iterations: 20,
    blueprint_id: 'b',
    blueprint_config: { depth: 2 },
  };
  const { id } = await ann.made('/sessions', setup);
  expect(await read(id)).toMatchObject(setup);
  const nothing = Object.fromEntries(Object.keys(setup).map((key) => [key, null]));
  expect((await ann.patch(`/sessions/${id}`, nothing)).body).toMatchObject({
    title: null,
    tags: [],
    capabilities: [],
    mcp_servers: {},
    initial_files: [],
    network_access: null,
    blueprint_config: null,
  });
});

it('computes what a client may offer when the session is read', async () => {
  const { id } = await ann.made('/sessions', { capabilities: [{ features: ['file_system'] }] });
  expect((await read(id))['features']).toEqual(['file_system']);
  await ann.patch(`/sessions/${id}`, { tools: [{ name: 'book' }] });
  expect((await read(id))['features']).toEqual(['client_tools', 'file_system']);
});

it('shows the first thing asked, the last thing answered, and the tokens of all runs', async () => {
  const { id } = await ann.made('/sessions');
  for (const n of [1, 2]) {
    const usage = { input_tokens: 10 * n, output_tokens: n, cache_read_tokens: 5, cost_usd: 0.1 };
    const run = await start(id);
    await tell(run, ['user', { text: `question ${n}` }]);
    await tell(run, ['message.output.completed', { text: `answer ${n}`, usage }]);
    await worker.patch(`/runs/${run}`, { status: 'completed' });
  }
  expect(await read(id, worker)).toMatchObject({
    preview: 'question 1',
    output_preview: 'answer 2',
    usage: {
      input_tokens: 30,
      output_tokens: 3,
      cache_read_tokens: 10,
      cache_creation_tokens: 0,
      cost_usd: 0.2,
    },
    run_counts: { completed: 2 },
  });
});

it('has a pin for each user', async () => {
  const { id } = await ann.made('/sessions');
  await ann.call('PUT', `/sessions/${id}/pin`);
  expect((await read(id))['is_pinned']).toBe(true);
  expect((await read(id, worker))['is_pinned']).toBe(false);
});

it('spawns sub-agents with a task, six statuses, and a name of their own under one parent', async () => {
  const parent = await ann.made('/sessions');
  const path = `/sessions/${parent.id}/sessions`;
  const subagent = { name: 'Scout', task: 'look around' };
  const scout = await worker.made(path, { subagent });
  expect(scout['subagent']).toEqual({ ...subagent, status: 'spawning' });
  const again = await worker.post(path, { subagent: { name: 'SCOUT' } });
  expect([again.status, again.body['code']]).toEqual([409, 'subagent_name_taken']);
  for (const status of ['running', 'completed', 'failed', 'cancelled', 'max_iterations_reached']) {
    const changed = await worker.patch(`/sessions/${scout.id}`, { subagent: { ...subagent, status } });
    expect(changed.body['subagent']).toMatchObject({ status });
  }
  const { principal_id } = (await worker.get('/me')).body;
  const owners = { owner_principal_id: principal_id, user_id: annId, resolved_owner_user_id: annId };
  expect(scout).toMatchObject(owners);
  expect(await worker.ids(`/sessions/${parent.id}/sessions?include_empty=true`)).toEqual([scout.id]);
});

it('reads the words of older data as those of today', async () => {
  const [running, done] = [await ann.made('/sessions'), await ann.made('/sessions')];
  await start(running.id);
  await worker.patch(`/runs/${await start(done.id)}`, { status: 'completed' });
  await read(done.id, worker);
  const by = async (status: string): Promise<string[]> =>
    dataOf(await worker.get(`/sessions?status=${status}`)).map(({ id }) => String(id));
  expect(await by('running')).toEqual([running.id]);
  for (const old of ['pending', 'completed', 'failed', 'idle']) expect(await by(old)).toEqual([done.id]);
});

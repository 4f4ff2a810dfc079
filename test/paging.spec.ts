import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Api, type Body, dataOf } from './support/api.js';
import { Receiver } from './support/receiver.js';
import { type Server, startServer } from './support/server.js';

interface Operation {
  readonly parameters?: readonly { readonly name: string }[];
}
const { paths } = JSON.parse(readFileSync('openapi.json', 'utf8')) as {
  paths: Record<string, { get?: Operation }>;
};
/** All that is listed page by page. */
const lists = Object.entries(paths)
  .filter(([, { get }]) => get?.parameters?.some(({ name }) => name === 'cursor'))
  .map(([path]) => path.slice('/v1'.length));

let server: Server;
let api: Api;
let receiver: Receiver;
/** What stands for `{id}`, by what is in front of it; and what selects what the test itself does not add to. */
const owners: Record<string, string> = {};
const filters: Record<string, string> = {};

const thrice = async (make: (n: number) => Promise<unknown>): Promise<void> => {
  for (const n of [1, 2, 3]) await make(n);
};

beforeAll(async () => {
  receiver = await Receiver.start();
  server = await startServer({ WEBHOOKS_ALLOW_PRIVATE: 'true' });
  api = new Api(server.url, server.key);
  const webhook = (await api.made('/webhooks', { url: receiver.url, event_pattern: 'session.deleted' })).id;
  const session = (await api.made('/sessions')).id;
  await thrice(async () => {
    const before = await api.made(`/sessions/${session}/runs`);
    await api.post(`/runs/${before.id}/cancel`);
  });
  const run = (await api.made(`/sessions/${session}/runs`)).id;
  const read = (await api.made('/runs')).id;
  Object.assign(owners, { sessions: session, runs: run, webhooks: webhook });
  Object.assign(filters, { '/audit/accesses': `&resource_id=${read}`, '/mounts': `&session_id=${session}` });
  // Empty ones are listed for a minute otherwise.
  for (const list of ['/sessions', '/sessions/{id}/sessions']) filters[list] = '&include_empty=true';
  const segments = [1, 2, 3].map((content) => ({ role: 'user', content }));
  const entries = [1, 2, 3].map((n) => ({ message: String(n) }));
  await api.made(`/sessions/${session}/transcript`, { segments });
  await api.made(`/runs/${run}/transcript`, { segments });
  await api.made(`/runs/${run}/logs`, { entries });
  await thrice(async (n) => {
    const called = { tool_use_id: String(n), name: 'tool' };
    await api.made(`/runs/${run}/events`, { events: [{ type: 'tool_call.started', data: called }] });
    await api.made(`/runs/${run}/interactions`, { kind: 'user_input', token: String(n) });
    const process = await api.made(`/runs/${run}/processes`, { command: 'true' });
    await api.get(`/processes/${process.id}/wait`);
    await api.made('/sessions', { parent_session_id: session });
    await api.made(`/sessions/${session}/schedules`, { cron: '0 9 * * *', run: {}, enabled: false });
    await api.made(`/sessions/${session}/mounts`, { slug: `mount-${n}`, uri: 's3://bucket/work' });
    await api.made('/projects', { id: `project-${n}`, name: 'One' });
    await api.made('/api-keys', { name: 'One', project_id: 'default', role: 'viewer' });
    await api.made('/legal-holds', { subject: { session_id: session }, reason: 'case 7' });
    await api.made('/webhooks', { url: receiver.url, event_pattern: 'session.deleted' });
    await api.post(`/webhooks/${webhook}/ping`);
    await api.get(`/runs/${read}`);
  });
  for (const kind of ['logs', 'transcripts', 'process_output']) {
    await api.call('PUT', `/retention/policies/session:${session}/${kind}`, { max_age: 'P9D' });
  }
  await receiver.count(3);
});
afterAll(async () => {
  await server.stop();
  await receiver.stop();
});

const nameOf = ({ id, event_id, request_id, seq, scope, kind }: Body): string =>
  JSON.stringify(id ?? event_id ?? request_id ?? seq ?? [scope, kind]);

/** The names of what a list holds, and the sizes of its pages. */
async function listed(path: string): Promise<{ names: string[]; sizes: number[] }> {
  const [names, sizes]: [string[], number[]] = [[], []];
  for (let cursor = ''; ;) {
    const reply = await api.get(`${path}${cursor}`);
    const page = dataOf(reply).map(nameOf);
    names.push(...page);
    sizes.push(page.length);
    const next = reply.body['next_cursor'] as string | null;
    if (next === null || names.length > 1_000) return { names, sizes };
    cursor = `&cursor=${next}`;
  }
}

it.each(lists)('%s is the same page by page, in either order', async (list) => {
  const own = list.replace(/^\/(\w+)\/\{id\}/, (_, owner: string) => `/${owner}/${owners[owner] ?? ''}`);
  const path = `${own}?${filters[list] ?? ''}`;
  const whole = await listed(`${path}&order=asc&limit=100`);
  expect(new Set(whole.names).size).toBe(whole.names.length);
  expect(whole.names.length).toBeGreaterThan(2);
  for (const limit of [1, 2]) {
    const forwards = await listed(`${path}&order=asc&limit=${limit}`);
    expect(forwards.names).toEqual(whole.names);
    expect(forwards.sizes).toHaveLength(Math.ceil(whole.names.length / limit));
    const backwards = await listed(`${path}&order=desc&limit=${limit}`);
    expect(backwards).toEqual({ names: whole.names.toReversed(), sizes: forwards.sizes });
  }
});

import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Api, type Body, newProject, type Reply } from './support/api.js';
import { type Server, startServer } from './support/server.js';

interface Operation {
  readonly parameters: { readonly name: string; readonly in: string }[];
  readonly requestBody?: { readonly required: boolean; readonly content: Record<string, { schema: Body }> };
  readonly responses: Record<
    string,
    { readonly content?: Record<string, { schema: Body }>; readonly headers?: Record<string, object> }
  >;
}

let server: Server;
let ann: Api;
let worker: Api;
let document: { readonly paths: Record<string, Record<string, Operation>> };

beforeAll(async () => {
  server = await startServer();
  const project = await newProject(server);
  [ann, worker] = [await project.caller('user'), await project.caller('worker')];
  document = (await (await fetch(`${server.url}/openapi.json`)).json()) as typeof document;
});
afterAll(async () => {
  await server.stop();
});

const said = (call: string): Operation => {
  const [method = '', path = ''] = call.split(' ');
  const operation = document.paths[path]?.[method.toLowerCase()];
  if (operation === undefined) throw new Error(`${call} is not described`);
  return operation;
};
const headersOf = (call: string): string[] =>
  said(call).parameters.flatMap(({ name, in: place }) => (place === 'header' ? [name] : []));

it('is served as it is committed: what bundles the server leaves the names of classes', () => {
  expect(document).toEqual(JSON.parse(readFileSync('openapi.json', 'utf8')));
});

it('names each status that a call answers with', async () => {
  const run = (await ann.made('/runs')).id;
  const named = { external_id: 'named' };
  await ann.made('/sessions', named);
  await worker.made(`/runs/${run}/interactions`, { token: 't', kind: 'user_input' });
  const producer = { 'producer-id': 'p', 'producer-epoch': '0', 'producer-seq': '0' };
  const entries = { entries: [{ message: 'm' }] };
  await worker.post(`/runs/${run}/logs`, entries, producer);
  const process = (await ann.made(`/runs/${run}/processes`, { command: 'cat' })).id;
  const answers: [string, { status: number }][] = [
    ['POST /v1/sessions', await ann.post('/sessions', named)],
    ['POST /v1/sessions/resolve', await ann.post('/sessions/resolve', { alias: randomUUID() })],
    [
      'POST /v1/runs/{id}/interactions',
      await worker.post(`/runs/${run}/interactions`, { token: 't', kind: 'user_input' }),
    ],
    ['POST /v1/runs/{id}/logs', await worker.post(`/runs/${run}/logs`, entries, producer)],
    ['GET /v1/processes/{id}/wait', await ann.get(`/processes/${process}/wait?timeout_seconds=0`)],
    ['POST /v1/processes/{id}/terminate', await ann.post(`/processes/${process}/terminate`)],
    ['DELETE /v1/runs/{id}/sandbox', await ann.delete(`/runs/${run}/sandbox`)],
  ];
  const unsaid = answers.filter(([call, { status }]) => said(call).responses[status] === undefined);
  expect(unsaid.map(([call, { status }]) => `${call} ${status}`)).toEqual([]);
  for (const call of ['POST /v1/runs', 'POST /v1/sessions/{id}/runs']) {
    expect(Object.keys(said(call).responses)).toEqual(expect.arrayContaining(['200', '201', '202']));
  }
});

it('names the headers by which an answer shows a resource, or tells where it is', async () => {
  const operator = await (await newProject(server)).caller('operator');
  const admin = new Api(server.url, server.key);
  const session = (await operator.made('/sessions', { external_id: 'tagged' })).id;
  const run = (await operator.made(`/sessions/${session}/runs`)).id;
  const asked = (await operator.made(`/runs/${run}/interactions`, { kind: 'user_input' })).id;
  const process = (await operator.made(`/runs/${run}/processes`, { command: 'cat' })).id;
  const at = new Date(Date.now() + 86_400_000).toISOString();
  const schedule = (await operator.made(`/sessions/${session}/schedules`, { at, run: {} })).id;
  const mount = (await operator.made(`/sessions/${session}/mounts`, { slug: 'one', uri: 's3://bucket/one' }))
    .id;
  const hook = (await operator.made('/webhooks', { url: 'https://example.com/', event_pattern: 'run.*' })).id;
  const seen = (path: string, etag: string | null) => operator.get(path, { 'if-none-match': etag ?? '' });
  const posted: [call: string, path: string, body?: Body][] = [
    ['/sessions', '/sessions'],
    ['/sessions', '/sessions', { external_id: 'tagged' }],
    ['/sessions/resolve', '/sessions/resolve', { alias: 'a' }],
    ['/sessions/resolve', '/sessions/resolve', { alias: 'a' }],
    ['/sessions/{id}/sessions', `/sessions/${session}/sessions`],
    ['/sessions/{id}/fork', `/sessions/${session}/fork`],
    ['/sessions/{id}/archive', `/sessions/${session}/archive`],
    ['/sessions/{id}/unarchive', `/sessions/${session}/unarchive`],
    ['/sessions/{id}/resume', `/sessions/${session}/resume`],
    ['/sessions/{id}/runs', `/sessions/${session}/runs`, { on_active_run: 'allow' }],
    ['/sessions/{id}/schedules', `/sessions/${session}/schedules`, { at, run: {} }],
    ['/sessions/{id}/mounts', `/sessions/${session}/mounts`, { slug: 'two', uri: 's3://bucket/two' }],
    ['/runs', '/runs'],
    ['/runs/{id}/events', `/runs/${run}/events`, { events: [{ type: 'x.a' }] }],
    ['/runs/{id}/interactions', `/runs/${run}/interactions`, { kind: 'user_input', token: 't' }],
    ['/runs/{id}/interactions', `/runs/${run}/interactions`, { kind: 'user_input', token: 't' }],
    ['/runs/{id}/processes', `/runs/${run}/processes`, { command: 'true' }],
    ['/runs/{id}/cancel', `/runs/${(await operator.made('/runs')).id}/cancel`],
    ['/interactions/{id}/respond', `/interactions/${asked}/respond`, { answer: 1 }],
    ['/interactions/{id}/resolve', `/interactions/${asked}/resolve`],
    ['/processes/{id}/terminate', `/processes/${process}/terminate`],
    ['/schedules/{id}/disable', `/schedules/${schedule}/disable`],
    ['/schedules/{id}/enable', `/schedules/${schedule}/enable`],
    ['/schedules/{id}/trigger', `/schedules/${schedule}/trigger`],
    ['/mounts/{id}/archive', `/mounts/${mount}/archive`],
    ['/webhooks', '/webhooks', { url: 'https://example.com/', event_pattern: 'run.*' }],
    ['/webhooks/{id}/rotate-secret', `/webhooks/${hook}/rotate-secret`],
    ['/webhooks/{id}/ping', `/webhooks/${hook}/ping`],
    ['/legal-holds', '/legal-holds', { subject: { run_id: run }, reason: 'r' }],
    ['/retention/apply', '/retention/apply'],
  ];
  const answers: [call: string, reply: Reply][] = [];
  for (const [call, path, body] of posted)
    answers.push([`POST /v1${call}`, await operator.post(path, body ?? {})]);
  const key = { name: 'k', project_id: 'default', role: 'user' };
  answers.push(['POST /v1/api-keys', await admin.post('/api-keys', key)]);
  const rebuild = await operator.post('/projections/mounts/rebuilds');
  answers.push(['POST /v1/projections/{name}/rebuilds', rebuild]);
  const abandoned = await operator.delete(`/projections/mounts/rebuilds/${String(rebuild.body['id'])}`);
  answers.push(['DELETE /v1/projections/{name}/rebuilds/{id}', abandoned]);
  const ended = await operator.get(`/processes/${process}/wait?timeout_seconds=60`);
  answers.push(['GET /v1/processes/{id}/wait', ended]);
  const read = await operator.get(`/interactions/${asked}`);
  answers.push(['GET /v1/interactions/{id}', read]);
  const unchanged = await seen(`/interactions/${asked}`, read.headers.get('etag'));
  answers.push(['GET /v1/interactions/{id}', unchanged]);
  for (const [call, { status, headers, body }] of answers) {
    const told = said(call).responses[status];
    expect([call, status, told === undefined ? body : 'told']).toEqual([call, status, 'told']);
    const names = ['ETag', 'Location'];
    const carried = names.filter((name) => headers.has(name));
    expect([call, status, names.filter((name) => name in (told?.headers ?? {}))]).toEqual([
      call,
      status,
      carried,
    ]);
  }
});

it('names the headers of a replay and of a refusal', async () => {
  const headers = { 'idempotency-key': randomUUID() };
  await ann.post('/runs', {}, headers);
  expect((await ann.post('/runs', {}, headers)).headers.get('idempotent-replayed')).toBe('true');
  expect(said('POST /v1/runs').responses['201']?.headers).toHaveProperty('Idempotent-Replayed');
  expect(said('PATCH /v1/runs/{id}').responses['200']?.headers).not.toHaveProperty('Idempotent-Replayed');
});

it('says of a stream and of other text that it is no JSON', () => {
  for (const path of [
    '/v1/runs/{id}/events',
    '/v1/sessions/{id}/events',
    '/v1/events',
    '/v1/runs/{id}/logs',
  ]) {
    const content = said(`GET ${path}`).responses['200']?.content ?? {};
    expect(content['text/event-stream']?.schema).toEqual({ type: 'string' });
    expect(headersOf(`GET ${path}`)).toContain('Last-Event-ID');
  }
});

it('describes bodies that are not JSON, and the headers that go with them', () => {
  const append = said('POST /v1/runs/{id}/logs');
  expect(Object.keys(append.requestBody?.content ?? {}).sort()).toEqual([
    'application/json',
    'application/x-ndjson',
    'text/plain',
  ]);
  expect(headersOf('POST /v1/runs/{id}/logs')).toEqual(
    expect.arrayContaining(['Producer-Id', 'Producer-Epoch', 'Producer-Seq']),
  );
  expect(said('POST /v1/processes/{id}/stdin').requestBody?.content).toHaveProperty([
    'application/octet-stream',
  ]);
});

it('names the preconditions that a call heeds', async () => {
  const session = (await ann.made('/sessions')).id;
  const run = (await ann.made(`/sessions/${session}/runs`)).id;
  const asked = (await worker.made(`/runs/${run}/interactions`, { kind: 'user_input' })).id;
  const process = (await ann.made(`/runs/${run}/processes`, { command: 'cat' })).id;
  const stale = { 'if-match': '"99"' };
  const calls: [call: string, path: string, body?: Body][] = [
    ['PATCH /v1/sessions/{id}', `/sessions/${session}`, {}],
    ['PUT /v1/sessions/{id}/state', `/sessions/${session}/state`, { data: 1 }],
    ['PUT /v1/sessions/{id}/state/sandbox', `/sessions/${session}/state/sandbox`, { sandbox_id: null }],
    ['POST /v1/sessions/{id}/archive', `/sessions/${session}/archive`],
    ['POST /v1/sessions/{id}/unarchive', `/sessions/${session}/unarchive`],
    ['POST /v1/sessions/{id}/resume', `/sessions/${session}/resume`],
    ['POST /v1/interactions/{id}/respond', `/interactions/${asked}/respond`, { answer: 1 }],
    ['POST /v1/interactions/{id}/resolve', `/interactions/${asked}/resolve`],
    ['POST /v1/interactions/{id}/cancel', `/interactions/${asked}/cancel`],
    ['POST /v1/processes/{id}/terminate', `/processes/${process}/terminate`],
    ['DELETE /v1/runs/{id}/sandbox', `/runs/${run}/sandbox`],
    ['POST /v1/runs/{id}/cancel', `/runs/${run}/cancel`],
  ];
  for (const [call, path, body] of calls) {
    const { status } = await worker.call(call.split(' ')[0] as string, path, body, stale);
    expect([call, status, headersOf(call)]).toEqual([call, 412, expect.arrayContaining(['If-Match'])]);
  }
  for (const call of ['POST /v1/runs/{id}/sandbox', 'POST /v1/sessions/resolve']) {
    expect(headersOf(call)).not.toContain('If-Match');
  }
  for (const call of ['GET /v1/sessions/{id}/state', 'GET /v1/runs/{id}/sandbox']) {
    expect(headersOf(call)).toContain('If-None-Match');
  }
});

it('asks for no body where none need be sent', async () => {
  expect(said('POST /v1/runs').requestBody?.required).toBe(false);
  expect((await ann.call('POST', '/runs')).status).toBe(201);
  expect(said('POST /v1/runs/{id}/events').requestBody?.required).toBe(true);
});

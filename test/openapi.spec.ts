import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Api, type Body, newProject } from './support/api.js';
import { type Server, startServer } from './support/server.js';

interface Operation {
  readonly parameters: { readonly name: string; readonly in: string }[];
  readonly requestBody?: { readonly required: boolean; readonly content: Record<string, { schema: Body }> };
  readonly responses: Record<string, { readonly content?: Record<string, { schema: Body }> }>;
}

let server: Server;
let ann: Api;
let worker: Api;
let paths: Record<string, Record<string, Operation>>;

beforeAll(async () => {
  server = await startServer();
  const project = await newProject(server);
  [ann, worker] = [await project.caller('user'), await project.caller('worker')];
  paths = ((await (await fetch(`${server.url}/openapi.json`)).json()) as { paths: typeof paths }).paths;
});
afterAll(async () => {
  await server.stop();
});

const said = (call: string): Operation => {
  const [method = '', path = ''] = call.split(' ');
  const operation = paths[path]?.[method.toLowerCase()];
  if (operation === undefined) throw new Error(`${call} is not described`);
  return operation;
};
const headersOf = (call: string): string[] =>
  said(call).parameters.flatMap(({ name, in: place }) => (place === 'header' ? [name] : []));

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

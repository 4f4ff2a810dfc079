import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Api, newProject, type Reply } from './support/api.js';
import { type Server, startServer } from './support/server.js';

const page = readFileSync(join(import.meta.dirname, '../docs/problems.md'), 'utf8');
/** The rows of the page of problems: code, status, retryable. */
const catalogue = new Map(
  [...page.matchAll(/^\| `(\w+)` *\| (\d{3}) *\| (yes|no) /gm)].map(([, code = '', status, retryable]) => [
    code,
    { status: Number(status), retryable: retryable === 'yes' },
  ]),
);

let server: Server;
let ann: Api;
let session: string;
let run: string;
let foreign: string;

beforeAll(async () => {
  server = await startServer();
  const project = await newProject(server);
  ann = await project.caller('user');
  session = (await ann.made('/sessions')).id;
  run = (await ann.made('/runs')).id;
  foreign = (await (await project.caller('user')).made('/sessions')).id;
});
afterAll(async () => {
  await server.stop();
});

interface Fault {
  readonly pointer?: string;
  readonly parameter?: string;
}

/** Asserts all that every refusal has in common, and which faults it names. */
function expectProblem(reply: Reply, code: string, faults?: readonly Fault[]): void {
  const row = catalogue.get(code);
  expect([code, row]).not.toEqual([code, undefined]);
  expect(reply.headers.get('content-type')).toMatch(/^application\/problem\+json(;|$)/);
  expect(reply.body).toMatchObject({ ...row, code, type: expect.stringMatching(`#${code}$`) });
  expect(reply.status).toBe(reply.body['status']);
  for (const member of ['title', 'detail', 'instance', 'request_id'] as const) {
    expect([member, reply.body[member]]).toEqual([member, expect.stringMatching(/./)]);
  }
  expect(reply.headers.get('x-request-id')).toBe(reply.body['request_id']);
  expect(JSON.stringify(reply.body)).not.toMatch(/node_modules|SELECT |\.js:\d/);
  const errors = reply.body['errors'] as (Fault & { detail: string })[] | undefined;
  expect(errors?.map(({ detail: _detail, ...where }) => where)).toEqual(faults);
}

/** Sends the head of a request with a body of that many bytes, and reads what is answered to that alone. */
async function announced(bytes: number): Promise<Reply> {
  const headers = {
    authorization: `Bearer ${ann.key}`,
    'content-type': 'application/json',
    'content-length': bytes,
  };
  const call = request(`${ann.url}/v1/runs`, { method: 'POST', headers });
  call.flushHeaders();
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  const body = (await json(response)) as Reply['body'];
  call.destroy();
  return {
    status: Number(response.statusCode),
    headers: new Headers(
      Object.entries(response.headers).map(([name, value]): [string, string] => [name, String(value)]),
    ),
    body,
  };
}

const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;

describe('a body that is refused', () => {
  const tags = Array.from({ length: 101 }, (_, n) => `t${n}`);
  const none = randomUUID();
  const cases: [string, string, unknown, Fault[]][] = [
    ['a wrong type', '/sessions', { title: 5 }, [{ pointer: '/title' }]],
    ['an unknown field', '/sessions', { 'no/pe~': 1 }, [{ pointer: '/no~1pe~0' }]],
    [
      'several faults',
      '/sessions',
      { title: 5, tags: ['', 3], x: 1 },
      [{ pointer: '/x' }, { pointer: '/title' }, { pointer: '/tags/0' }, { pointer: '/tags/1' }],
    ],
    [
      'a fault inside',
      '/sessions',
      { subagent: { name: 'a', status: 'x', y: 1 } },
      [{ pointer: '/subagent/y' }, { pointer: '/subagent/status' }],
    ],
    ['a list', '/sessions', [], [{ pointer: '' }]],
    ['null', '/sessions', 'null', [{ pointer: '' }]],
    ['U+0000 in a text', '/sessions', { title: 'a\0b' }, [{ pointer: '/title' }]],
    ['U+0000 in a key', '/runs', { metadata: { 'a\0b': 1 } }, [{ pointer: '/metadata/a\0b' }]],
    ['a title of 1,001 characters', '/sessions', { title: 'x'.repeat(1_001) }, [{ pointer: '/title' }]],
    ['101 tags', '/sessions', { tags }, [{ pointer: '/tags' }]],
    ['a tag of 201 characters', '/sessions', { tags: ['x'.repeat(201)] }, [{ pointer: '/tags/0' }]],
    ['65 KiB of metadata', '/runs', { metadata: { a: 'x'.repeat(65 * 1024) } }, [{ pointer: '/metadata' }]],
    ['a bad external id', '/sessions', { external_id: 'a b' }, [{ pointer: '/external_id' }]],
    ['a bad locale', '/sessions', { locale: 'not a locale' }, [{ pointer: '/locale' }]],
    ['an id that is none', '/runs', { session_id: 'x' }, [{ pointer: '/session_id' }]],
    ['an upper-case id', '/runs', { task_id: randomUUID().toUpperCase() }, [{ pointer: '/task_id' }]],
    ['an unknown word', '/runs', { on_active_run: 'push' }, [{ pointer: '/on_active_run' }]],
    ['a number out of range', '/runs', { max_attempts: 101 }, [{ pointer: '/max_attempts' }]],
    ['a number that is not whole', '/runs', { max_attempts: 1.5 }, [{ pointer: '/max_attempts' }]],
    ['digits that would be lost', '/runs', '{"input":{"n":9007199254740993}}', [{ pointer: '/input/n' }]],
    ['a log that is a list', `/runs/${none}/logs`, [], [{ pointer: '' }]],
    ['what is nested too deep', '/runs', `{"input":${nested(501)}}`, [{ pointer: '' }]],
  ];

  it.each(cases)('%s', async (_name, path, body, faults) => {
    expectProblem(await ann.post(path, body), 'validation_failed', faults);
  });

  it('is not stored in part: nothing of all that was made', async () => {
    expect(await ann.ids('/sessions')).toEqual([session]);
    expect(await ann.ids('/runs')).toEqual([run]);
  });

  it('usage without end', async () => {
    const reply = await ann.patch(`/runs/${run}`, { usage: { cost_usd: 1e300, input_tokens: -1 } });
    expectProblem(reply, 'validation_failed', [
      { pointer: '/usage/input_tokens' },
      { pointer: '/usage/cost_usd' },
    ]);
  });

  it.each(['{"a":', '{"title":"\ud800', 'nope', "{'a': 1}"])('malformed JSON: %s', async (text) => {
    expectProblem(await ann.post('/sessions', text), 'malformed_json');
  });

  it('more than 10 MiB, refused before it is sent', async () => {
    expectProblem(await announced(10 * 1024 * 1024 + 1), 'payload_too_large');
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'application/xml'])('%s', async (type) => {
    const reply = await ann.post('/sessions', '{}', { 'content-type': type });
    expectProblem(reply, 'unsupported_media_type');
  });
});

describe('a query that is refused', () => {
  const cases: [string, string][] = [
    ['/sessions?limit=0', 'limit'],
    ['/sessions?limit=101', 'limit'],
    ['/runs?limit=1.5', 'limit'],
    ['/runs?limit=x', 'limit'],
    ['/runs?limit=1&limit=2', 'limit'],
    ['/sessions?nope=1', 'nope'],
    ['/runs?order=up', 'order'],
    ['/sessions?status=over', 'status'],
    ['/runs?status=pending,', 'status'],
    ['/sessions?archived=maybe', 'archived'],
    ['/sessions?include_empty=1', 'include_empty'],
    ['/sessions?created_after=yesterday', 'created_after'],
    ['/runs?started_before=2026-02-30T00:00:00Z', 'started_before'],
    ['/runs?session_id=x', 'session_id'],
    ['/sessions?q=', 'q'],
    ['/sessions?alias=%00', 'alias'],
    ['/sessions?limit=%00', 'limit'],
    ['/runs?metadata.a=1&metadata.a=2', 'metadata.a'],
    [`/runs?metadata.a=${'x'.repeat(1_001)}`, 'metadata'],
  ];

  it.each(cases)('%s', async (path, parameter) => {
    expectProblem(await ann.get(path), 'validation_failed', [{ parameter }]);
  });

  it('an unknown parameter of a route that takes none', async () => {
    expectProblem(await ann.get(`/runs/${run}?nope=1`), 'validation_failed', [{ parameter: 'nope' }]);
    expectProblem(await ann.post('/sessions?nope=1'), 'validation_failed', [{ parameter: 'nope' }]);
  });

  const forged = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  it.each(['x', '!!', forged([]), forged({}), forged(['abc', "'; DROP TABLE runs"])])(
    'a broken cursor: %s',
    async (cursor) => {
      expectProblem(await ann.get(`/runs?cursor=${encodeURIComponent(cursor)}`), 'invalid_cursor');
    },
  );

  it.each(['', 'x', 'ct1.', 'ct1.xyz', 'ct2.1', `ct1.${'f'.repeat(17)}`])(
    'a malformed consistency token: %s',
    async (token) => {
      const newcomer = new Api(ann.url, ann.key);
      expectProblem(await newcomer.get(`/runs?consistency_token=${token}`), 'invalid_consistency_token');
      expectProblem(await ann.get('/runs', { 'consistency-token': token }), 'invalid_consistency_token');
    },
  );
});

describe('a resource that is not there for the caller', () => {
  it.each(['/sessions', '/runs'])('%s: unknown, or no id at all', async (path) => {
    for (const id of [randomUUID(), 'x', randomUUID().toUpperCase(), '%F0%9F%98%80', 'x'.repeat(600)]) {
      expectProblem(await ann.get(`${path}/${id}`), 'not_found');
      expectProblem(await ann.patch(`${path}/${id}`, {}), 'not_found');
    }
  });

  it("another user's", async () => {
    expectProblem(await ann.get(`/sessions/${foreign}`), 'not_found');
    expectProblem(await ann.delete(`/sessions/${foreign}`), 'not_found');
    const refused = await ann.post('/runs', { session_id: foreign });
    expectProblem(refused, 'unknown_reference', [{ pointer: '/session_id' }]);
  });

  it('an unknown route, an undecodable path', async () => {
    expectProblem(await ann.get('/nope'), 'not_found');
    expectProblem(await ann.get('/sessions/%E0%A4%A'), 'bad_request');
  });

  it('a head that is too large', async () => {
    const reply = await ann.get(`/runs?q=${'x'.repeat(20_000)}`);
    expect(reply.headers.get('content-type')).toBe('application/problem+json');
    expect(reply).toMatchObject({
      status: 431,
      body: { status: 431, code: 'bad_request', retryable: false },
    });
    expect(reply.body['request_id']).toBe(reply.headers.get('x-request-id'));
  });

  it('a method that the path does not have: 405 with those it has, to a caller with a key', async () => {
    const wrong = [
      ['PUT', '/runs', 'GET, HEAD, POST'],
      ['DELETE', `/runs/${run}`, 'GET, HEAD, PATCH'],
      ['PUT', `/sessions/${foreign}`, 'DELETE, GET, HEAD, PATCH'],
      ['OPTIONS', '/me', 'GET, HEAD'],
      ['PROPFIND', `/sessions/${session}/pin`, 'DELETE, PUT'],
    ] as const;
    for (const [method, path, allow] of wrong) {
      const reply = await ann.call(method, path);
      expectProblem(reply, 'method_not_allowed');
      expect([path, reply.headers.get('allow')]).toEqual([path, allow]);
      expectProblem(await ann.call(method, path, undefined, { authorization: '' }), 'unauthenticated');
      expectProblem(await ann.call(method, '/nope'), 'not_found');
    }
  });
});

describe('a caller who is refused', () => {
  it.each(['', 'Bearer', 'Bearer nope', 'Basic eDp5', 'Bearer rl_nope'])(
    'Authorization: %s',
    async (authorization) => {
      expectProblem(await ann.get('/sessions', { authorization }), 'unauthenticated');
      expectProblem(await ann.post('/sessions', '{', { authorization }), 'unauthenticated');
    },
  );

  it('a role that may never do this', async () => {
    const viewer = await (await newProject(server)).caller('viewer');
    expectProblem(await viewer.post('/sessions', {}), 'forbidden');
    expectProblem(await viewer.delete(`/sessions/${session}`), 'forbidden');
  });
});

describe('a change that is refused', () => {
  it('an illegal transition', async () => {
    expectProblem(await ann.patch(`/runs/${run}`, { status: 'completed' }), 'illegal_transition');
  });

  it.each(['"9"', '"9.abc"', 'W/"1"', '1', '"1", "2"', '""'])('a stale If-Match: %s', async (etag) => {
    expectProblem(
      await ann.patch(`/sessions/${session}`, { title: 'x' }, { 'if-match': etag }),
      'revision_mismatch',
    );
  });

  it.each(['', 'x'.repeat(256), 'a b', 'ä'])('an Idempotency-Key that is none: %s', async (key) => {
    expectProblem(await ann.post('/sessions', {}, { 'idempotency-key': key }), 'invalid_idempotency_key');
  });

  it('a reused Idempotency-Key', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    expect((await ann.post('/runs', {}, headers)).status).toBe(201);
    expectProblem(await ann.post('/runs', { source: 'x' }, headers), 'idempotency_key_reused');
    expectProblem(await ann.post('/sessions', {}, headers), 'idempotency_key_reused');
  });
});

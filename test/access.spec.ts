import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import type { Database } from './support/database.js';
import { eventsInPostgres, type Server, serverDatabase, startServer } from './support/server.js';
import { soon } from './support/soon.js';

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: Record<string, unknown>;
}
interface Key {
  readonly id: string;
  readonly key: string;
  readonly user_id: string;
}

const roles = ['viewer', 'user', 'worker', 'auditor', 'operator', 'admin'] as const;
type Role = (typeof roles)[number];
const nobody = '00000000-0000-7000-8000-000000000000';
/** Every text that any answer of this file carried, but for those that made a key. */
const answers: string[] = [];

/** Every key that was made here. */
const secrets: string[] = [];

let database: Database;
let server: Server;
let keys: Record<Role, Key>;
let foreign: Key;

async function call(
  method: string,
  path: string,
  key: string | undefined,
  { body, headers = {} }: { body?: unknown; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const answer = await fetch(`${server.url}${path}`, {
    method,
    headers: {
      ...(key !== undefined && { authorization: `Bearer ${key}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (answer.status !== 201 || path !== '/v1/api-keys') answers.push(text);
  const isJson = answer.headers.get('content-type')?.includes('json') === true;
  const json = isJson ? (JSON.parse(text) as Record<string, unknown>) : {};
  if (typeof json['key'] === 'string') secrets.push(json['key']);
  return { status: answer.status, headers: answer.headers, text, json };
}

async function newKey(body: Record<string, unknown>, by = server.key): Promise<Key> {
  const { status, json } = await call('POST', '/v1/api-keys', by, {
    body: { name: 'a key', project_id: 'default', role: 'user', ...body },
  });
  expect(status).toBe(201);
  return json as unknown as Key;
}

const statusOfMe = async (key: string): Promise<number> => (await call('GET', '/v1/me', key)).status;
const ids = ({ json }: Answer): unknown[] => (json['data'] as { id: string }[]).map(({ id }) => id);

async function untilRefused(key: string): Promise<void> {
  while ((await statusOfMe(key)) !== 401);
}

beforeAll(async () => {
  database = await serverDatabase();
  // Given, so that no greeting has to show it.
  const bootstrap = { BOOTSTRAP_API_KEY: 'the-key-of-the-first-admin' };
  server = await startServer({ ...eventsInPostgres, DATABASE_URL: database.url, ...bootstrap });
  const made = await Promise.all(roles.map(async (role) => [role, await newKey({ role })] as const));
  keys = Object.fromEntries(made) as Record<Role, Key>;
  await call('POST', '/v1/projects', server.key, { body: { id: 'acme', name: 'Acme' } });
  foreign = await newKey({ project_id: 'acme', role: 'admin' });
});

afterAll(async () => {
  await server.stop();
  await database.drop();
});

describe('who calls', () => {
  test('the bootstrap key is an admin of the project default', async () => {
    const { json } = await call('GET', '/v1/me', server.key);
    expect(json).toMatchObject({ project_id: 'default', role: 'admin' });
  });

  test.each(roles)('a key of the role %s works as soon as it is made, and says so', async (role) => {
    const { id, key, user_id } = keys[role];
    const { json } = await call('GET', '/v1/me', key);
    expect(json).toEqual({ principal_id: id, project_id: 'default', user_id, role });
  });

  test.each([
    ['nothing', {}],
    ['no scheme', { authorization: `rl_${'a'.repeat(43)}` }],
    ['another scheme', { authorization: 'Basic YTpi' }],
    ['no key', { authorization: 'Bearer ' }],
    ['an unknown key', { authorization: `Bearer rl_${'a'.repeat(43)}` }],
    ['a key of another form', { authorization: 'Bearer let me in' }],
  ])('%s is 401 with the challenge Bearer', async (_what, headers) => {
    const { status, headers: answered, json } = await call('GET', '/v1/me', undefined, { headers });
    expect([status, answered.get('www-authenticate'), json['code']]).toEqual([
      401,
      'Bearer',
      'unauthenticated',
    ]);
  });

  test.each([
    ['GET', '/v1/nowhere'],
    ['POST', '/v1/runs'],
    ['GET', '/v1/api-keys/x'],
  ])('%s %s without a key is 401, whatever is behind it', async (method, path) => {
    expect((await call(method, path, undefined)).status).toBe(401);
  });

  test.each(['/healthz', '/readyz', '/openapi.json', '/docs'])(
    '%s needs no key, and minds no wrong one',
    async (path) => {
      expect((await call('GET', path, undefined)).status).toBe(200);
      expect((await call('GET', path, `rl_${'a'.repeat(43)}`)).status).toBe(200);
    },
  );
});

describe('what a role may do', () => {
  const reads = [...roles];
  const writes: Role[] = ['user', 'worker', 'operator', 'admin'];
  const admin: Role[] = ['admin'];

  test.each<[string, string, readonly Role[]]>([
    ['GET', '/v1/runs', reads],
    ['GET', `/v1/runs/${nobody}`, reads],
    ['GET', '/v1/sessions', reads],
    ['POST', '/v1/runs', writes],
    ['POST', '/v1/sessions', writes],
    ['POST', `/v1/runs/${nobody}/cancel`, writes],
    ['POST', `/v1/runs/${nobody}/logs`, writes],
    ['GET', '/v1/projections', ['auditor', 'operator', 'admin']],
    ['GET', '/v1/projects', admin],
    ['POST', '/v1/projects', admin],
    ['GET', '/v1/api-keys', admin],
    ['POST', '/v1/api-keys', admin],
    ['GET', `/v1/api-keys/${nobody}`, admin],
    ['DELETE', `/v1/api-keys/${nobody}`, admin],
  ])('%s %s: %p, and nobody else', async (method, path, allowed) => {
    const body = method === 'POST' ? { body: {} } : {};
    const asked = await Promise.all(
      roles.map(async (role) => [role, (await call(method, path, keys[role].key, body)).status] as const),
    );
    expect(asked.filter(([, status]) => status !== 403).map(([role]) => role)).toEqual(
      roles.filter((role) => allowed.includes(role)),
    );
  });

  test.each<[string, string, { body?: string; headers?: Record<string, string> }]>([
    ['POST', '/v1/runs', { body: '{' }],
    ['POST', '/v1/runs', { body: '{"input": "\\u0000"}' }],
    ['POST', '/v1/runs?unknown=1', {}],
    ['POST', '/v1/retention/apply', { body: '{"unknown": 1}' }],
    ['POST', `/v1/processes/${nobody}/stdin`, { body: '{}' }],
    ['GET', '/v1/projects?unknown=1', {}],
    ['GET', '/v1/projects', { headers: { 'consistency-token': 'broken' } }],
  ])('%s %s is 403 to a viewer whatever else is wrong: %p', async (method, path, init) => {
    const headers = { 'content-type': 'application/json', ...init.headers };
    const authorization = `Bearer ${keys.viewer.key}`;
    const answer = await fetch(`${server.url}${path}`, {
      ...init,
      method,
      headers: { ...headers, authorization },
    });
    expect([answer.status, await answer.json()]).toMatchObject([403, { code: 'forbidden' }]);
  });

  test('a viewer and a user see what is theirs, the others what is anyone’s in the project', async () => {
    const { id } = (await call('POST', '/v1/runs', keys.user.key, { body: {} })).json;
    const seen = await Promise.all(
      roles.map(async (role) => (await call('GET', `/v1/runs/${String(id)}`, keys[role].key)).status),
    );
    expect(seen).toEqual([404, 200, 200, 200, 200, 200]);
    const own = await newKey({ role: 'viewer', user_id: keys.user.user_id });
    expect((await call('GET', `/v1/runs/${String(id)}`, own.key)).status).toBe(200);
    expect((await call('GET', `/v1/runs/${String(id)}`, foreign.key)).status).toBe(404);
  });
});

describe('projects', () => {
  test('are listed newest first, page by page, and default was always there', async () => {
    await call('POST', '/v1/projects', server.key, { body: { id: 'later', name: 'Later' } });
    const first = await call('GET', '/v1/projects?limit=1', server.key);
    expect(ids(first)).toEqual(['later']);
    const rest = await call('GET', `/v1/projects?cursor=${String(first.json['next_cursor'])}`, server.key);
    expect(ids(rest)).toEqual(['acme', 'default']);
  });

  test.each(['acme', 'default'])('the id %s is taken: 409', async (id) => {
    const { status, json } = await call('POST', '/v1/projects', server.key, { body: { id, name: 'Again' } });
    expect([status, json['code']]).toEqual([409, 'project_exists']);
  });

  test.each(['', 'Acme', '-acme', 'a_b', 'a'.repeat(64)])('the id %p is no slug: 400', async (id) => {
    const { status, json } = await call('POST', '/v1/projects', server.key, { body: { id, name: 'Slug' } });
    expect([status, json['code']]).toEqual([400, 'validation_failed']);
  });
});

describe('keys', () => {
  test('are shown without the key, by id and in the list', async () => {
    const { id, key } = await newKey({ name: 'build agent', role: 'worker' });
    const { json } = await call('GET', `/v1/api-keys/${id}`, server.key);
    expect(json).toMatchObject({
      id,
      name: 'build agent',
      role: 'worker',
      prefix: key.slice(0, 6),
      revoked_at: null,
    });
    expect(json).not.toHaveProperty('key');
    expect(ids(await call('GET', '/v1/api-keys?limit=1', server.key))).toEqual([id]);
  });

  test('of an unknown project are 422', async () => {
    const body = { name: 'x', project_id: 'nowhere', role: 'user' };
    const { status, json } = await call('POST', '/v1/api-keys', server.key, { body });
    expect([status, json['code']]).toEqual([422, 'unknown_reference']);
    expect(json['errors']).toMatchObject([{ pointer: '/project_id' }]);
  });

  test('that have expired already are 400', async () => {
    const body = { name: 'x', project_id: 'default', role: 'user', expires_at: '2020-01-01T00:00:00Z' };
    const { status, json } = await call('POST', '/v1/api-keys', server.key, { body });
    expect([status, json['code']]).toEqual([400, 'validation_failed']);
    const detail = 'expires_at must be in the future';
    expect(json['errors']).toEqual([{ pointer: '/expires_at', detail }]);
  });

  test('are refused soon after they are revoked, and stay to be read', async () => {
    const { id, key } = await newKey({});
    expect(await statusOfMe(key)).toBe(200);
    expect((await call('DELETE', `/v1/api-keys/${id}`, server.key)).status).toBe(204);
    await untilRefused(key);
    expect((await call('DELETE', `/v1/api-keys/${id}`, server.key)).status).toBe(204);
    const { json } = await call('GET', `/v1/api-keys/${id}`, server.key);
    expect(json['revoked_at']).toEqual(expect.any(String));
  });

  test('are refused once they expire', async () => {
    const body = { name: 'short', project_id: 'default', role: 'user' };
    const { key, expires_at } = await soon(async (expires_at) => {
      const { json } = await call('POST', '/v1/api-keys', server.key, { body: { ...body, expires_at } });
      const key = String(json['key']);
      const status = await statusOfMe(key);
      if (Date.now() >= Date.parse(expires_at)) return undefined;
      expect(status).toBe(200);
      return { key, expires_at };
    });
    await untilRefused(key);
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(expires_at));
  });

  test('of another project do not exist for its admin: 404, 422, and not in the list', async () => {
    const mine = keys.user.id;
    expect((await call('GET', `/v1/api-keys/${mine}`, foreign.key)).status).toBe(404);
    expect((await call('DELETE', `/v1/api-keys/${mine}`, foreign.key)).status).toBe(404);
    expect(await statusOfMe(keys.user.key)).toBe(200);
    const body = { name: 'x', project_id: 'default', role: 'admin' };
    expect((await call('POST', '/v1/api-keys', foreign.key, { body })).status).toBe(422);
    expect(ids(await call('GET', '/v1/api-keys', foreign.key))).toEqual([foreign.id]);
  });

  test('may be made by an admin in its own project, and in those it has made', async () => {
    await newKey({ project_id: 'acme' }, foreign.key);
    await call('POST', '/v1/projects', foreign.key, { body: { id: 'acme-labs', name: 'Labs' } });
    await newKey({ project_id: 'acme-labs' }, foreign.key);
    expect(ids(await call('GET', '/v1/projects', foreign.key))).toEqual(['acme-labs', 'acme']);
  });

  test('are made once under an Idempotency-Key, whose replay does not show the key', async () => {
    const body = { name: 'once', project_id: 'default', role: 'user' };
    const headers = { 'idempotency-key': 'make-it-once' };
    const [first, again] = [
      await call('POST', '/v1/api-keys', server.key, { body, headers }),
      await call('POST', '/v1/api-keys', server.key, { body, headers }),
    ];
    const { key, ...rest } = first.json;
    expect(key).toEqual(expect.any(String));
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(again.json).toEqual(rest);
    const known = await call('GET', '/v1/api-keys?limit=100', server.key);
    expect((known.json['data'] as { name: string }[]).filter(({ name }) => name === 'once')).toHaveLength(1);
  });
});

test('no key is in any answer but the one that made it, in the log, in an event or in a table', async () => {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const tables = ['eventstore.events', 'access.api_keys', 'public.idempotency_keys'];
  const kept: string[][] = [];
  for (const table of tables) {
    const { rows } = await client.query<{ row: string }>(`SELECT t::text AS row FROM ${table} t`);
    kept.push(rows.map(({ row }) => row));
  }
  await client.end();
  expect(kept.every((rows) => rows.length > 0)).toBe(true);
  const everything = [...answers, server.output(), ...kept.flat()].join('\n');
  expect(secrets.length).toBeGreaterThan(10);
  expect(everything).toContain(keys.user.id);
  expect([server.key, ...secrets].filter((secret) => everything.includes(secret))).toEqual([]);
});

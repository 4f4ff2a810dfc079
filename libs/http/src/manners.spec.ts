import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import {
  Controller,
  Get,
  HttpCode,
  Injectable,
  Logger,
  Module,
  Post,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { APP_GUARD, NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { IsOptional } from 'class-validator';
import type { FastifyRequest } from 'fastify';
import type { Pool } from 'pg';
import { RuleViolation, StoreUnavailable, uuidv7 } from '#eventsourcing';
import { openPool } from '#postgres';
import { type Database, freshDatabase } from '../../../test/support/database.js';
import * as http from './index.js';

@Injectable()
class ToyAccess implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const principalId = request.headers.authorization ?? 'somebody';
    request.ctx.principal = { principalId, projectId: 'default', userId: principalId, role: 'user' };
    return true;
  }
}

class ToyBody {
  @IsOptional() @http.IsText() title?: string;
}

/** What the toy's handlers did and are to do. */
const toy = {
  made: [] as string[],
  recovered: [] as boolean[],
  reached: true,
  before: (): Promise<void> => Promise.resolve(),
  position: 255n,
};

class ToyClock extends http.ReadModelClock {
  reached(): Promise<boolean> {
    return Promise.resolve(toy.reached);
  }
}

@Controller('v1/toys')
class ToyController {
  constructor(private readonly clock: http.ReadModelClock) {}

  @Post()
  @http.Creates()
  async create(
    @http.ValidBody() body: ToyBody,
    @http.Ctx() ctx: http.RequestContext,
  ): Promise<string | undefined> {
    const causation = ctx.causation();
    const id = causation.mint();
    toy.recovered.push(causation.recovering);
    toy.made.push(id);
    await toy.before();
    http.changed(ctx, toy.position);
    void ctx.reply.header('location', `/v1/toys/${id}`);
    return http.resource(ctx, { id, title: body.title ?? null, trace: causation.options.correlationId }, 0);
  }

  @Get()
  async list(
    @http.ValidQuery() query: http.PageQuery,
    @http.Ctx() ctx: http.RequestContext,
  ): Promise<http.Page<unknown>> {
    await http.waitFor(this.clock, ctx, 'toys');
    const [last = 0] = query.cursor === undefined ? [] : http.keysOf(ctx, query.cursor, ['integer']);
    return http.page(ctx, [{ limit: query.limit, after: last }], [Number(last) + 1]);
  }

  @Get('broken')
  broken(): never {
    throw new Error('SELECT secret FROM toys');
  }

  @Get(':id')
  read(@http.PathId() id: string, @http.Ctx() ctx: http.RequestContext): string | undefined {
    return http.resource(ctx, { id }, 7);
  }

  @Post(':id/rename')
  @HttpCode(200)
  rename(@http.Ctx() ctx: http.RequestContext): string | undefined {
    http.requireRevision(http.ifMatch(ctx), 7);
    http.changed(ctx, undefined);
    return http.resource(ctx, {}, 8);
  }

  @Post('refused')
  refused(): never {
    throw new RuleViolation('producer_gap', 'Expected 3.', { expected_seq: 3 });
  }

  @Post('lines')
  @http.Accepts('application/x-ndjson', 'text/plain')
  lines(@http.Ctx() ctx: http.RequestContext): { body: unknown } {
    return { body: ctx.request.body };
  }
}

let database: Database;
let pool: Pool;
let instance: http.Instance;
let app: NestFastifyApplication;
let base: string;
let store: http.PostgresIdempotency;

beforeAll(async () => {
  database = await freshDatabase();
  pool = openPool(database.url, 'manners', 10);
  await pool.query(http.idempotencyTable);
  instance = await http.Instance.start(database.url);
  store = new http.PostgresIdempotency(pool, instance);
  @Module({
    controllers: [ToyController],
    providers: [
      { provide: APP_GUARD, useClass: ToyAccess },
      { provide: http.ReadModelClock, useClass: ToyClock },
      { provide: http.IdempotencyStore, useValue: store },
    ],
  })
  class ToyModule {}
  Logger.overrideLogger(false);
  app = await NestFactory.create<NestFastifyApplication>(
    ToyModule,
    new FastifyAdapter(http.fastifyOptions()),
  );
  http.setupHttp(app);
  await app.listen(0, '127.0.0.1');
  base = `${await app.getUrl()}/v1/toys`;
});

afterEach(() => {
  Object.assign(toy, {
    ...{ made: [], recovered: [], reached: true, position: 255n },
    before: () => Promise.resolve(),
  });
});

afterAll(async () => {
  await app.close();
  await instance.close();
  await pool.end();
  await database.drop();
});

interface Answered {
  status: number;
  headers: Headers;
  text: string;
  body: Record<string, unknown>;
}

async function call(path: string, init: RequestInit = {}): Promise<Answered> {
  const response = await fetch(`${base}${path}`, init);
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
  };
}

const post = (body: unknown, headers: Record<string, string> = {}, path = '') =>
  call(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
const get = (path: string, headers: Record<string, string> = {}) => call(path, { headers });

const expectProblem = (answer: Answered, status: number, code: string): void => {
  expect([answer.status, answer.body['code']]).toEqual([status, code]);
  expect(answer.headers.get('content-type')).toMatch('application/problem+json');
};

const id = '0190b0c0-0000-7000-8000-000000000000';

test('a method that a known path does not have is 405 and told which it has', async () => {
  const refused = await call('?nope=1', { method: 'PUT' });
  expectProblem(refused, 405, 'method_not_allowed');
  expect(refused.headers.get('allow')).toBe('GET, HEAD, POST');
  const removed = await call(`/${id}`, { method: 'DELETE' });
  expectProblem(removed, 405, 'method_not_allowed');
  expect(removed.headers.get('allow')).toBe('GET, HEAD');
  expectProblem(await call('/nowhere/at/all', { method: 'DELETE' }), 404, 'not_found');
  for (const type of ['application/json', 'application/xml']) {
    const init = { method: 'PUT', headers: { 'content-type': type }, body: '{' };
    expectProblem(await call('', init), 405, 'method_not_allowed');
    expectProblem(await call('/nowhere/at/all', init), 404, 'not_found');
  }
  expect((await call(`/${id}`, { method: 'HEAD' })).status).toBe(200);
});

test('a path is told its own methods, not those of a pattern that it fits too', async () => {
  const refused = await call('/lines', { method: 'PUT' });
  expectProblem(refused, 405, 'method_not_allowed');
  expect(refused.headers.get('allow')).toBe('POST');
});

test('what is no HTTP is a problem too, with a request id', async () => {
  const socket = connect(Number(new URL(base).port), '127.0.0.1');
  socket.end('NOTHING /v1/toys HTTP/1.1\r\nHost: toys\r\n\r\n');
  const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n');
  const problem = JSON.parse(body) as Record<string, unknown>;
  expect(head).toMatch(/^HTTP\/1\.1 400 Bad Request\r\ncontent-type: application\/problem\+json\r\n/);
  expect(head).toContain(`x-request-id: ${String(problem['request_id'])}`);
  expect(problem).toMatchObject({ code: 'bad_request', status: 400, retryable: false });
});

test('a problem carries all its members, and nothing of our inside', async () => {
  const answer = await get('/broken', { 'x-request-id': 'mine' });
  expectProblem(answer, 500, 'internal');
  expect(answer.body).toEqual({
    type: 'https://runledger.dev/problems#internal',
    title: 'Internal error',
    status: 500,
    detail: 'The server failed to answer; its log has more under the request id.',
    instance: '/v1/toys/broken',
    code: 'internal',
    retryable: true,
    request_id: 'mine',
  });
});

test('a broken rule answers with its own members', async () => {
  const answer = await post({}, {}, '/refused');
  expectProblem(answer, 409, 'producer_gap');
  expect(answer.body).toMatchObject({ detail: 'Expected 3.', expected_seq: 3, retryable: false });
});

test.each(['/no-uuid', `/${id.toUpperCase()}`, `/${'x'.repeat(600)}`, `/${id}/nowhere`])(
  'GET %s finds nothing',
  async (path) => {
    expectProblem(await get(path), 404, 'not_found');
  },
);

test('a path that cannot be decoded is a bad request with a request id', async () => {
  const answer = await get('/%ff');
  expectProblem(answer, 400, 'bad_request');
  expect(answer.headers.get('x-request-id')).toBe(answer.body['request_id']);
});

test('a body that is compressed is refused, and told how it is taken', async () => {
  const type = { 'content-type': 'application/json' };
  const refused = await post('{}', { ...type, 'content-encoding': 'gzip' });
  expectProblem(refused, 415, 'unsupported_media_type');
  expect(refused.headers.get('accept-encoding')).toBe('identity');
  expect((await post('{}', { ...type, 'content-encoding': 'Identity' })).status).toBe(201);
});

test('a body is what the route takes', async () => {
  expectProblem(await post('{'), 400, 'malformed_json');
  expect((await post('\ufeff{}', { 'content-type': 'application/json' })).status).toBe(201);
  expectProblem(await post('x', { 'content-type': 'text/plain' }), 415, 'unsupported_media_type');
  expectProblem(await post('x', { 'content-type': 'application/xml' }), 415, 'unsupported_media_type');
  expectProblem(
    await post('a=b', { 'content-type': 'application/x-www-form-urlencoded' }),
    415,
    'unsupported_media_type',
  );
  for (const type of ['json', 'application/', 'application/json, text/plain']) {
    expectProblem(await post('{}', { 'content-type': type }), 415, 'unsupported_media_type');
  }
  for (const type of ['application/json', 'application/xml']) {
    const refused = await post({}, { 'content-type': type }, '/lines');
    expectProblem(refused, 415, 'unsupported_media_type');
    expect(refused.body['detail']).toMatch('application/x-ndjson, text/plain');
  }
  expect(
    (await post('\ufeff{"a":1}\n\n[2]\n', { 'content-type': 'application/x-ndjson' }, '/lines')).body,
  ).toEqual({
    body: [{ a: 1 }, [2]],
  });
  const broken = await post('{"a":1}\n\n{\n', { 'content-type': 'application/x-ndjson' }, '/lines');
  expectProblem(broken, 400, 'malformed_json');
  expect(broken.body['detail']).toMatch(/^\/1 is not valid JSON/);
  expect((await post('Zoë\n', { 'content-type': 'text/plain; charset=utf-8' }, '/lines')).body).toEqual({
    body: 'Zoë\n',
  });
  const large = await post(`"${'x'.repeat(http.bodyLimit)}"`);
  expectProblem(large, 413, 'payload_too_large');
  expect(large.body['detail']).toMatch('10485760');
});

test('an empty body counts as {}', async () => {
  expect((await call('', { method: 'POST' })).status).toBe(201);
  expect((await post('')).status).toBe(201);
});

test('faults of a body are told by pointer', async () => {
  const answer = await post({ title: 1, nope: 2 });
  expectProblem(answer, 400, 'validation_failed');
  expect((answer.body['errors'] as { pointer: string }[]).map(({ pointer }) => pointer)).toEqual([
    '/nope',
    '/title',
  ]);
  expect((await post('{"title":"\\u0000"}')).body).toMatchObject({
    code: 'validation_failed',
    errors: [{ pointer: '/title' }],
  });
});

test('a body is refused where none is taken, unless nothing is in it', async () => {
  expectProblem(await post({ nope: 1 }, {}, '/refused'), 400, 'validation_failed');
  expect((await post({ nope: 1 }, {}, '/refused')).body).toMatchObject({ errors: [{ pointer: '/nope' }] });
  expect((await post([1], {}, '/refused')).body).toMatchObject({ errors: [{ pointer: '' }] });
  expectProblem(await post({}, {}, '/refused'), 409, 'producer_gap');
  expectProblem(await post('', {}, '/refused'), 409, 'producer_gap');
  expectProblem(await post({ nope: 1 }, {}, '/nowhere/at/all'), 404, 'not_found');
});

test('unknown parameters are refused on every route', async () => {
  const errors = [{ parameter: 'nope', detail: 'nope is not known here' }];
  expect((await get('?nope=1')).body).toMatchObject({ code: 'validation_failed', errors });
  expect((await get(`/${id}?nope=1`)).body).toMatchObject({ code: 'validation_failed', errors });
  expect((await post({}, {}, '?nope=1')).body).toMatchObject({ code: 'validation_failed', errors });
  expectProblem(await get('/nowhere/at/all?nope=1'), 404, 'not_found');
});

test('a request id is returned, taken or minted', async () => {
  expect((await get('', { 'x-request-id': 'mine' })).headers.get('x-request-id')).toBe('mine');
  expect(http.isUuid((await get('')).headers.get('x-request-id'))).toBe(true);
});

test('a trace becomes the correlation id', async () => {
  const trace = '0af7651916cd43dd8448eb211c80319c';
  expect((await post({}, { traceparent: `00-${trace}-b7ad6b7169203331-01` })).body).toMatchObject({ trace });
  expect((await post({}, { traceparent: 'junk' })).body).not.toHaveProperty('trace');
});

test('If-None-Match answers 304 without a body', async () => {
  const first = await get(`/${id}`);
  expect(first.headers.get('content-type')).toMatch('application/json');
  const etag = first.headers.get('etag') ?? '';
  expect(etag).toMatch(/^"7\./);
  const second = await get(`/${id}`, { 'if-none-match': `"x", W/${etag}` });
  expect([second.status, second.text, second.headers.get('etag')]).toEqual([304, '', etag]);
  expect((await get(`/${id}`, { 'if-none-match': '"7.other"' })).status).toBe(200);
  const change = await post({}, { 'if-none-match': '*' }, `/${id}/rename`);
  expect([change.status, change.text]).toEqual([200, '{}']);
});

test.each([
  ['"7"', 200],
  ['"7.whatever"', 200],
  ['*', 200],
  ['"6"', 412],
  ['W/"7"', 412],
  ['7', 412],
])('If-Match: %s answers %i', async (header, status) => {
  const answer = await post({}, { 'if-match': header }, `/${id}/rename`);
  expect(answer.status).toBe(status);
  if (status === 412) expectProblem(answer, 412, 'revision_mismatch');
});

test('a cursor leads on, and belongs to its filters', async () => {
  const { next_cursor: cursor } = (await get('?order=asc&limit=3')).body as { next_cursor: string };
  expect((await get(`?order=asc&limit=5&cursor=${cursor}`)).body).toMatchObject({
    data: [{ limit: 5, after: 1 }],
  });
  expectProblem(await get(`?order=desc&cursor=${cursor}`), 400, 'invalid_cursor');
  const forged = Buffer.from('["x","1"]').toString('base64url');
  for (const broken of ['x', forged, '', 'bnVsbA'])
    expectProblem(await get(`?cursor=${broken}`), 400, 'invalid_cursor');
});

test('a cursor belongs to its path', () => {
  const list = (url: string) => ({ request: { url, query: {} } }) as unknown as http.RequestContext;
  const cursor = http.cursorAfter(list('/v1/sessions/a/runs?limit=1'), [7]);
  expect(http.keysOf(list('/v1/sessions/a/runs?limit=2'), cursor, ['integer'])).toEqual([7]);
  expect(() => http.keysOf(list('/v1/sessions/b/runs'), cursor, ['integer'])).toThrow('another path');
});

test('what may be well in a moment says when to come back', async () => {
  for (const error of [new StoreUnavailable('x'), new RuleViolation('no_host', 'x')]) {
    toy.before = () => Promise.reject(error);
    const reply = await post({});
    expect([reply.status, reply.headers.get('retry-after')]).toEqual([503, '1']);
  }
  toy.before = () => Promise.resolve();
});

test('a change answers with a token, and a read waits for it', async () => {
  const token = (await post({})).headers.get('consistency-token') ?? '';
  expect(token).not.toBe('');
  // What changes nothing answers with the newest, which need not be what was told of last.
  toy.position = 254n;
  expect((await post({})).headers.get('consistency-token')).not.toBe(token);
  expect((await post({}, {}, `/${id}/rename`)).headers.get('consistency-token')).toBe(token);
  expect((await get('', { 'consistency-token': token })).status).toBe(200);
  expect((await get(`/${id}?consistency_token=${token}`)).status).toBe(200);
  toy.reached = false;
  expect((await get('')).status).toBe(200);
  const late = await get(`?consistency_token=${token}`);
  expectProblem(late, 503, 'projection_lagging');
  expect(late.headers.get('retry-after')).toBe('1');
  expectProblem(await get('', { 'consistency-token': 'ct1.x' }), 400, 'invalid_consistency_token');
  expectProblem(await get('?consistency_token='), 400, 'invalid_consistency_token');
});

test('the same request under one key is done once and answered the same', async () => {
  const key = { 'idempotency-key': uuidv7() };
  const first = await post({ title: 'a' }, key);
  const again = await post({ title: 'a' }, key);
  expect(first.headers.get('idempotent-replayed')).toBeNull();
  expect(again.headers.get('idempotent-replayed')).toBe('true');
  expect([again.status, again.text]).toEqual([201, first.text]);
  for (const name of ['content-type', 'location', 'etag', 'consistency-token']) {
    expect(again.headers.get(name)).toBe(first.headers.get(name));
  }
  expect(toy.made).toHaveLength(1);
});

test('a key belongs to its caller, and to its body and path', async () => {
  const key = { 'idempotency-key': uuidv7() };
  await post({ title: 'a' }, key);
  expectProblem(await post({ title: 'b' }, key), 422, 'idempotency_key_reused');
  expect((await post({ title: 'b' }, { ...key, authorization: 'another' })).status).toBe(201);
});

test('of two at once under one key one runs, the other is told to wait', async () => {
  const key = { 'idempotency-key': uuidv7() };
  let finish = (): void => undefined;
  const finished = new Promise<void>((resolve) => (finish = resolve));
  toy.before = () => finished;
  const both = [post({}, key), post({}, key)];
  const quick = await Promise.race(both);
  finish();
  expectProblem(quick, 409, 'idempotency_key_in_progress');
  expect((await Promise.all(both)).map(({ status }) => status).sort()).toEqual([201, 409]);
  expect(toy.made).toHaveLength(1);
});

test('only 2xx answers are remembered', async () => {
  const key = { 'idempotency-key': uuidv7() };
  toy.before = () => Promise.reject(new RuleViolation('run_terminal', 'x'));
  expectProblem(await post({}, key), 409, 'run_terminal');
  toy.before = () => Promise.resolve();
  expect((await post({ other: 1 }, key)).status).toBe(400);
  expect((await post({ title: 'other' }, key)).status).toBe(201);
  expect(toy.recovered).toEqual([false, false]);
});

test('a rule that was broken frees the key, even where another attempt may go well', async () => {
  const key = { 'idempotency-key': uuidv7() };
  toy.before = () => Promise.reject(new RuleViolation('sandbox_unavailable', 'x'));
  expectProblem(await post({}, key), 503, 'sandbox_unavailable');
  toy.before = () => Promise.resolve();
  expect((await post({}, key)).status).toBe(201);
  expect(toy.recovered).toEqual([false, false]);
});

test('after a failure of ours the next attempt is the same command', async () => {
  const key = { 'idempotency-key': uuidv7() };
  toy.before = () => Promise.reject(new Error('lost'));
  expectProblem(await post({}, key), 500, 'internal');
  toy.before = () => Promise.resolve();
  expect((await post({}, key)).status).toBe(201);
  expect(toy.recovered).toEqual([false, true]);
  expect(new Set(toy.made).size).toBe(1);
});

test.each(['', 'x'.repeat(256), 'two words', 'ä'])('the key %j is refused', async (key) => {
  const answer = await post({}, { 'idempotency-key': key });
  expectProblem(answer, 400, 'invalid_idempotency_key');
  expect(answer.body['detail']).toMatch('Idempotency-Key');
});

test('a command whose server died is taken over, by one of several, with the same ids', async () => {
  const dead = await http.Instance.start(database.url);
  const claim = { caller: 'default/me', key: uuidv7(), fingerprint: 'same' };
  const begun = await new http.PostgresIdempotency(pool, dead).begin(claim);
  expect(begun.kind).toBe('new');
  expect(await store.begin(claim)).toEqual({ kind: 'in_progress' });
  await dead.close();
  const other = await http.Instance.start(database.url);
  const stores = [store, new http.PostgresIdempotency(pool, other), store];
  const attempts = await Promise.all(stores.map((one) => one.begin(claim)));
  expect(attempts.map(({ kind }) => kind).sort()).toEqual(['in_progress', 'in_progress', 'recover']);
  const winner = attempts.find(({ kind }) => kind === 'recover');
  expect(winner).toEqual({ kind: 'recover', seed: { ...('seed' in begun && begun.seed), recovering: true } });
  await other.close();
});

test.each(['abandon', 'release'] as const)(
  'an attempt whose command was taken over can %s nothing any more',
  async (verb) => {
    const dead = await http.Instance.start(database.url);
    const first = new http.PostgresIdempotency(pool, dead);
    const claim = { caller: 'default/me', key: uuidv7(), fingerprint: 'same' };
    const begun = await first.begin(claim);
    await dead.close();
    expect((await store.begin(claim)).kind).toBe('recover');
    if (!('seed' in begun)) throw new Error('the key was not new');
    const answer = [claim, begun.seed] as const;
    await first[verb](...answer);
    expect((await first.begin(claim)).kind).toBe('in_progress');
  },
);

test('an instance that lost its connection is alive again', async () => {
  const holder = async (): Promise<number | undefined> => {
    const { rows } = await pool.query<{ pid: number }>(
      'SELECT pid FROM pg_locks WHERE granted AND classid = $1::oid AND objid = $2::oid',
      [http.instanceLock, instance.number],
    );
    return rows[0]?.pid;
  };
  const before = await holder();
  await pool.query('SELECT pg_terminate_backend($1)', [before]);
  let now = before;
  while (now === before || now === undefined) now = await holder();
  expect(now).not.toBe(before);
});

test('expired keys are forgotten, and free at once', async () => {
  const claim = { caller: 'default/old', key: 'k', fingerprint: 'a' };
  await store.begin(claim);
  await pool.query("UPDATE idempotency_keys SET expires_at = now() WHERE caller = 'default/old'");
  expect(await store.begin({ ...claim, fingerprint: 'b' })).toMatchObject({ kind: 'new' });
  await pool.query("UPDATE idempotency_keys SET expires_at = now() WHERE caller = 'default/old'");
  expect(await store.forgetExpired(1)).toBe(1);
  expect(await store.forgetExpired(1)).toBe(0);
});

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { Api, type Body, dataOf, newProject, type Reply } from './support/api.js';
import type { Database } from './support/database.js';
import { type Server, serverDatabase, startServer } from './support/server.js';
import { until } from './support/supervised-service.js';
import { Watch } from './support/sse.js';

let database: Database;
let server: Server;
let project: Awaited<ReturnType<typeof newProject>>;
let operator: Api;

beforeAll(async () => {
  database = await serverDatabase();
  server = await startServer({ DATABASE_URL: database.url });
});

afterAll(async () => {
  await server.stop();
  await database.drop();
});

beforeEach(async () => {
  project = await newProject(server);
  operator = await project.caller('operator');
});

const old = '2020-01-02T03:04:05.000Z';
const young = (): string => new Date().toISOString();

interface Lines {
  readonly count?: number;
  readonly ts?: string;
  readonly message?: string;
}

const append = async (run: string, { count = 10, ts = old, message = 'line' }: Lines = {}): Promise<void> => {
  const entries = Array.from({ length: count }, (_, n) => ({ ts, message: `${message} ${n}` }));
  expect((await operator.post(`/runs/${run}/logs`, { entries })).status).toBe(201);
};

/** A run with the appends given, which has ended unless it is to run on. */
async function runWith(
  appends: readonly Lines[],
  { session = '', ends = true, body = {} } = {},
): Promise<string> {
  const path = session === '' ? '/runs' : `/sessions/${session}/runs`;
  const { id } = await operator.made(path, body);
  await operator.patch(`/runs/${id}`, { status: 'running' });
  for (const lines of appends) await append(id, lines);
  if (ends) await operator.patch(`/runs/${id}`, { status: 'completed' });
  return id;
}

const put = (scope: string, limits: Body, kind = 'logs'): Promise<Reply> =>
  operator.call('PUT', `/retention/policies/${scope}/${kind}`, limits);

const preview = async (policy: Body): Promise<Body> => {
  const { status, body } = await operator.post('/retention/preview', {
    scope: 'project',
    kind: 'logs',
    ...policy,
  });
  expect(status).toBe(200);
  return body;
};

interface Operation {
  status: string;
  progress: unknown;
  result: { removed: Body[]; kept: number };
  error: string | null;
}

/** Has a sweep made, and waits for its end. */
async function swept(): Promise<Operation> {
  const { status, headers } = await operator.post('/retention/apply');
  expect(status).toBe(202);
  let operation: Body = {};
  await until(async () => {
    ({ body: operation } = await operator.get(String(headers.get('location')).replace('/v1', '')));
    return operation['status'] !== 'running';
  });
  return operation as unknown as Operation;
}

const seqs = async (run: string, search = ''): Promise<unknown[]> =>
  dataOf(await operator.get(`/runs/${run}/logs${search}`)).map(({ seq }) => seq);

test('a sweep that has ended is an operation that does not change any more', async () => {
  const { headers } = await operator.post('/retention/apply');
  const path = String(headers.get('location')).replace('/v1', '');
  let etag = '';
  await until(async () => {
    const read = await operator.get(path);
    etag = read.headers.get('etag') ?? '';
    return read.body['status'] !== 'running';
  });
  expect(etag).toMatch(/^"1\./);
  expect((await operator.get(path, { 'if-none-match': etag })).status).toBe(304);
});

describe('a policy by age', () => {
  test('has the sweep remove just what the preview told, to the entry', async () => {
    const gone = await runWith([{ count: 30 }, { count: 20 }]);
    const partly = await runWith([{ count: 10 }, { count: 5, ts: young() }]);
    await runWith([{ count: 3, ts: young() }]);
    const told = await preview({ max_age: 'P30D' });
    expect(told).toMatchObject({
      subjects: 2,
      count: 60,
      ids: [gone, partly].sort(),
      oldest: old,
      newest: old,
    });
    expect(await seqs(gone, '?limit=1')).toEqual([1]);

    expect((await put('project', { max_age: 'P30D' })).status).toBe(200);
    const { status, result, progress } = await swept();
    expect(status).toBe('succeeded');
    expect(result).toEqual({ removed: [{ ...told, archives: [] }], kept: 0 });
    expect(progress).toEqual({ done: 60, total: 60 });
    expect(await seqs(partly)).toEqual([11, 12, 13, 14, 15]);
    expect(await preview({ max_age: 'P30D' })).toMatchObject({
      subjects: 0,
      count: 0,
      ids: [],
      oldest: null,
    });
  });

  test('leaves 410 with the earliest left where lines were', async () => {
    const partly = await runWith([{ count: 10 }, { count: 5, ts: young() }]);
    const gone = await runWith([{ count: 10 }]);
    await put('project', { max_age: 'P30D' });
    await swept();
    for (const [run, search, earliest_seq] of [
      [partly, '?after_seq=0', 11],
      [partly, '?after_seq=9', 11],
      [partly, '?before_seq=11', 11],
      [partly, `?from=${old}`, 11],
      [partly, `?to=${old}`, 11],
      [gone, '', 11],
      [gone, `?from=${old}&to=${young()}`, 11],
      [gone, '?tail=5', 11],
      [gone, '?after_seq=3', 11],
    ] as const) {
      const { status, body } = await operator.get(`/runs/${run}/logs${search}`);
      expect([search, status, body['code'], body['earliest_seq']]).toEqual([
        search,
        410,
        'gone',
        earliest_seq,
      ]);
    }
    const kept = [11, 12, 13, 14, 15];
    const lately = new Date(Date.parse(old) + 1).toISOString();
    for (const search of [
      '?after_seq=10',
      '?to=2999-01-01T00:00:00Z',
      `?from=${lately}`,
      `?after_seq=10&from=${old}`,
      `?tail=5&from=${old}`,
    ]) {
      expect([search, await seqs(partly, search)]).toEqual([search, kept]);
    }
    expect(await seqs(partly, `?order=desc&from=${old}`)).toEqual(kept.toReversed());
    for (const search of [`?after_seq=10&to=${old}`, '?to=2019-01-01T00:00:00Z'])
      expect(await seqs(partly, search)).toEqual([]);
    expect(await seqs(partly, '?from=2018-01-01T00:00:00Z&to=2019-01-01T00:00:00Z')).toEqual([]);
    expect(await seqs(partly, '?order=desc&limit=2')).toEqual([15, 14]);
    for (const [run, place] of [
      [partly, { 'last-event-id': '3' }],
      [gone, {}],
    ] as const) {
      const sse = await operator.get(`/runs/${run}/logs`, { accept: 'text/event-stream', ...place });
      expect([sse.status, sse.body['code'], sse.body['earliest_seq']]).toEqual([410, 'gone', 11]);
    }
    const watch = await Watch.open(`${server.url}/v1/runs/${partly}/logs?after_seq=10`, operator.key);
    const frames = await watch.until(({ event }) => event === 'end');
    expect(frames.map(({ id }) => id).slice(0, 5)).toEqual(['11', '12', '13', '14', '15']);
  });

  test('lets lines that come later go on behind those removed', async () => {
    const run = await runWith([{ count: 10 }]);
    await put('project', { max_age: 'P30D' });
    await swept();
    await append(run, { count: 2, ts: young() });
    expect(await seqs(run)).toEqual([11, 12]);
    expect((await operator.get(`/runs/${run}`)).body).toMatchObject({ id: run, status: 'completed' });
  });
});

const sessionOf = async (): Promise<string> => (await operator.made('/sessions')).id;

/** What of these runs a sweep has left. */
const left = async (...runs: string[]): Promise<number[]> => {
  const counts: number[] = [];
  for (const run of runs) {
    const { status, body } = await operator.get(`/runs/${run}/logs`);
    counts.push(status === 410 ? 0 : (body['data'] as Body[]).length);
  }
  return counts;
};

describe('what is kept', () => {
  test('all, without a policy, or with one that has no limit', async () => {
    const session = await sessionOf();
    const [run, exempt] = [await runWith([{}]), await runWith([{}], { session })];
    expect(await swept()).toMatchObject({ status: 'succeeded', result: { removed: [], kept: 0 } });
    await put('project', { max_age: 'P1D' });
    await put(`session:${session}`, {});
    await swept();
    expect(await left(run, exempt)).toEqual([0, 10]);
  });

  test('what runs, until it has ended', async () => {
    const run = await runWith([{}], { ends: false });
    await put('project', { max_age: 'P1D', max_bytes: 0 });
    await swept();
    expect(await left(run)).toEqual([10]);
    expect((await operator.get(`/runs/${run}/retention`)).body).toMatchObject({ running: true });
    await operator.patch(`/runs/${run}`, { status: 'completed' });
    await swept();
    expect(await left(run)).toEqual([0]);
  });

  test('the newest lines, as many as the size allows', async () => {
    const run = await runWith([{ ts: young() }, { ts: young() }, { ts: young() }]);
    const { bytes } = (await preview({ max_bytes: 0 })) as { bytes: number };
    const told = await preview({ max_bytes: bytes - 1 });
    expect(told).toMatchObject({ subjects: 1, count: 10 });
    await put('project', { max_bytes: bytes - 1 });
    expect((await swept()).result.removed).toEqual([{ ...told, archives: [] }]);
    expect(await seqs(run, '?limit=1')).toEqual([11]);
  });

  test('by the nearest scope: session, project, default', async () => {
    const session = await sessionOf();
    const [near, far] = [await runWith([{}], { session }), await runWith([{}])];
    await put('project', { max_age: 'P1D' });
    await put(`session:${session}`, { max_age: 'P100Y' });
    expect((await operator.get(`/runs/${near}/retention`)).body['kinds']).toMatchObject([
      {
        kind: 'logs',
        policy: { scope: `session:${session}`, max_age: 'P100Y' },
        expires_at: '2120-01-02T03:04:05.000Z',
        stored: { count: 10 },
      },
      { kind: 'transcripts', policy: null, expires_at: null },
      { kind: 'process_output', policy: null },
    ]);
    await swept();
    expect(await left(near, far)).toEqual([10, 0]);
    expect((await operator.delete(`/retention/policies/session:${session}/logs`)).status).toBe(204);
    await swept();
    expect(await left(near)).toEqual([0]);
    const response = await fetch(`${server.url}/v1/sessions/${session}/export`, {
      headers: { authorization: `Bearer ${operator.key}` },
    });
    const [manifest = '', ...lines] = (await response.text()).trim().split('\n');
    const { counts } = (JSON.parse(manifest) as { data: { counts: Body } }).data;
    expect(lines.filter((line) => line.startsWith('{"type":"log"'))).toHaveLength(
      Number(counts['log_entries']),
    );
  });

  test('by each rule by itself: the preview of one tells what that one removes', async () => {
    const session = await sessionOf();
    const [near, far] = [await runWith([{}], { session }), await runWith([{ count: 5 }])];
    await put(`session:${session}`, { max_age: 'P2D' });
    const told = await preview({ max_age: 'P1D' });
    expect(told).toMatchObject({ count: 5, ids: [far] });
    await put('project', { max_age: 'P1D' });
    expect((await swept()).result).toMatchObject({
      removed: [{ scope: `session:${session}`, count: 10, ids: [near] }, told],
      kept: 0,
    });
  });

  test('by the default of all projects, which an admin of the first sets', async () => {
    const run = await runWith([{}]);
    expect((await put('default', { max_age: 'P1D' })).body).toMatchObject({ code: 'forbidden' });
    const admin = new Api(server.url, server.key);
    const path = '/retention/policies/default/logs';
    expect((await admin.call('PUT', path, { max_age: 'P1D' })).status).toBe(200);
    expect((await operator.get(`/runs/${run}/retention`)).body['kinds']).toMatchObject([
      { policy: { scope: 'default' } },
      {},
      {},
    ]);
    await swept();
    await admin.delete(path);
    expect(await left(run)).toEqual([0]);
  });
});

test('a session tells which rules apply to it, when it expires, and what stands in the way', async () => {
  const session = await sessionOf();
  const run = await runWith([], { session, ends: false });
  await put('project', { max_age: 'P1D', max_bytes: 0 }, 'transcripts');
  const told = async (): Promise<Body> => (await operator.get(`/sessions/${session}/retention`)).body;
  expect(await told()).toMatchObject({
    ...{ session_id: session, running: true, legal_holds: [] },
    kinds: [{ policy: null }, { policy: { max_age: 'P1D' }, expires_at: null, over_size: false }, {}],
  });
  await operator.patch(`/runs/${run}`, { status: 'completed' });
  const { user_id } = (await operator.get(`/sessions/${session}`)).body;
  const hold = await operator.made('/legal-holds', { subject: { user_id }, reason: 'case 7' });
  await operator.post(`/sessions/${session}/transcript`, { segments: [{ role: 'user', content: 'text' }] });
  const { created_at } = dataOf(await operator.get(`/sessions/${session}/transcript`))[0] ?? {};
  const expires_at = new Date(Date.parse(String(created_at)) + 86_400_000).toISOString();
  expect(await told()).toMatchObject({
    ...{ running: false, legal_holds: [{ id: hold.id }] },
    kinds: [{}, { expires_at, over_size: true, stored: { count: 1 } }, {}],
  });
});

describe('a legal hold', () => {
  test.each(['run_id', 'session_id', 'user_id'])(
    'on a %s beats every policy until it is released',
    async (name) => {
      const session = await sessionOf();
      const [run, other] = [await runWith([{}], { session }), await runWith([{}])];
      const { user_id } = (await operator.get(`/runs/${run}`)).body;
      const subject = { [name]: { run_id: run, session_id: session, user_id }[name] };
      const hold = await operator.made('/legal-holds', { subject, reason: 'case 7' });
      expect(hold).toMatchObject({ subject, reason: 'case 7', released_at: null });
      const limits = { max_age: 'P1D', max_bytes: 0 };
      expect((await preview(limits))['ids']).not.toContain(run);
      await put('project', limits);
      expect((await swept()).result.kept).toBe(0);
      expect(await left(run)).toEqual([10]);
      expect(await left(other)).toEqual([name === 'user_id' ? 10 : 0]);
      expect((await operator.get(`/runs/${run}/retention`)).body).toMatchObject({
        legal_holds: [{ id: hold.id }],
      });
      expect(await operator.ids('/legal-holds')).toEqual([hold.id]);

      expect((await operator.delete(`/legal-holds/${hold.id}?reason=closed`)).status).toBe(204);
      expect((await operator.get(`/legal-holds/${hold.id}`)).body).toMatchObject({
        reason: 'case 7',
        released_at: expect.any(String),
        release_reason: 'closed',
      });
      expect(await operator.ids('/legal-holds')).toEqual([]);
      expect(await operator.ids('/legal-holds?released=true')).toEqual([hold.id]);
      expect((await operator.delete(`/legal-holds/${hold.id}`)).status).toBe(404);
      await swept();
      expect(await left(run)).toEqual([0]);
    },
  );

  test('has an ETag, which its release may be made to depend on', async () => {
    const { body, headers } = await operator.post('/legal-holds', {
      subject: { run_id: await runWith([]) },
      reason: 'case 7',
    });
    const path = `/legal-holds/${String(body['id'])}`;
    const etag = String(headers.get('etag'));
    expect(etag).toMatch(/^"1\./);
    expect((await operator.get(path, { 'if-none-match': etag })).status).toBe(304);
    expect((await operator.delete(path, { 'if-match': '"2"' })).body['code']).toBe('revision_mismatch');
    expect((await operator.delete(path, { 'if-match': etag })).status).toBe(204);
    expect((await operator.get(path, { 'if-none-match': etag })).headers.get('etag')).toMatch(/^"2\./);
  });

  test('wins when it is placed during a sweep: what is there after the answer stays', async () => {
    const runs: string[] = [];
    for (let n = 0; n < 30; n++) runs.push(await runWith([{ count: 1_000 }]));
    await put('project', { max_age: 'P1D' });
    const { headers } = await operator.post('/retention/apply');
    const holder = runs.at(-1) ?? '';
    await operator.made('/legal-holds', { subject: { run_id: holder }, reason: 'late' });
    const [there] = await left(holder);
    await until(async () => {
      const { body } = await operator.get(String(headers.get('location')).replace('/v1', ''));
      return body['status'] !== 'running';
    });
    expect(await left(holder)).toEqual([there]);
    expect(await left(runs[0] ?? '')).toEqual([0]);
  });
});

describe('transcripts', () => {
  const say = async (path: string, count: number): Promise<void> => {
    const segments = Array.from({ length: count }, (_, n) => ({
      role: 'user',
      content: `secret ${n}`,
      metadata: { n },
    }));
    expect((await operator.post(path, { segments })).status).toBe(201);
  };

  test('show what stays of a segment, and its state', async () => {
    const session = await sessionOf();
    const path = `/sessions/${session}/transcript`;
    await say(path, 3);
    await say(path, 2);
    await operator.post(`${path}/2/redact`, { reason: 'private' });
    const before = dataOf(await operator.get(path));
    expect(before[0]).toMatchObject({
      retention: { policy: null, expires_at: null, legal_hold: false, state: 'live' },
    });
    const bytes = before.slice(3).reduce((sum, { content }) => sum + JSON.stringify(content).length, 0);
    await put('project', { max_bytes: bytes }, 'transcripts');
    const told = await preview({ kind: 'transcripts', max_bytes: bytes });
    expect(told).toMatchObject({ subjects: 1, count: 3, ids: [session] });
    const held = dataOf(await operator.get(path));
    expect(held[0]).toMatchObject({ retention: { policy: 'project', state: 'live' } });
    expect((await swept()).result.removed).toEqual([{ ...told, archives: [] }]);

    const after = dataOf(await operator.get(path));
    expect(after.map(({ seq, kind, role, content }) => [seq, kind, role, content])).toEqual([
      [1, 'message', 'user', null],
      [2, 'redacted', 'user', null],
      [3, 'message', 'user', null],
      [4, 'message', 'user', 'secret 0'],
      [5, 'message', 'user', 'secret 1'],
    ]);
    expect(after.map(({ created_at }) => created_at)).toEqual(before.map(({ created_at }) => created_at));
    expect(after[1]).toMatchObject({ redaction: { reason: 'private' }, retention: { state: 'purged' } });
    await say(path, 1);
    expect(dataOf(await operator.get(`${path}?after_seq=5`))).toMatchObject([
      { seq: 6, content: 'secret 0' },
    ]);
  });

  test.each(['run_id', 'session_id', 'user_id'])(
    'of a hold on a %s are not redacted until it is released, through a fork neither',
    async (name) => {
      const session = await sessionOf();
      const { id: run, user_id } = await operator.made(`/sessions/${session}/runs`);
      const path = `/sessions/${session}/transcript`;
      await operator.post(path, {
        segments: [{ content: 'before' }, { content: 'of the run', run_id: run }],
      });
      const redact = async (seq: number, of = session): Promise<unknown[]> => {
        const { status, body } = await operator.post(`/sessions/${of}/transcript/${seq}/redact`, {
          reason: 'private',
        });
        return [status, body['code']];
      };
      expect(await redact(1)).toEqual([200, undefined]);
      const subject = { [name]: { run_id: run, session_id: session, user_id }[name] };
      const hold = await operator.made('/legal-holds', { subject, reason: 'case 7' });
      expect(await redact(1)).toEqual([200, undefined]);
      expect(await redact(2)).toEqual([409, 'legal_hold']);
      const { id: fork } = await operator.made(`/sessions/${session}/fork`, {});
      expect(await redact(2, fork)).toEqual([409, 'legal_hold']);
      expect(dataOf(await operator.get(path))[1]?.['content']).toBe('of the run');
      await operator.delete(`/legal-holds/${hold.id}`);
      const its = await operator.made('/legal-holds', { subject: { session_id: fork }, reason: 'case 8' });
      expect(await redact(2)).toEqual([409, 'legal_hold']);
      await operator.delete(`/legal-holds/${its.id}`);
      expect(await redact(2, fork)).toEqual([200, undefined]);
    },
  );

  test('of a hold, and of a run that runs, stay', async () => {
    const session = await sessionOf();
    const { id: run } = await operator.made(`/sessions/${session}/runs`);
    const path = `/sessions/${session}/transcript`;
    await operator.post(path, { segments: [{ content: 'of the run', run_id: run }] });
    await put('project', { max_bytes: 0 }, 'transcripts');
    await swept();
    const shown = async (): Promise<unknown> => dataOf(await operator.get(path))[0]?.['retention'];
    expect(await shown()).toMatchObject({ state: 'live', legal_hold: false });
    await operator.post(`/runs/${run}/cancel`);
    const hold = await operator.made('/legal-holds', { subject: { session_id: session }, reason: 'case' });
    await swept();
    expect(await shown()).toMatchObject({ state: 'live', legal_hold: true });
    await operator.delete(`/legal-holds/${hold.id}`);
    await swept();
    expect(await shown()).toMatchObject({ state: 'purged', legal_hold: false });
  });
});

/** What a process of the run has left, once it has ended. */
async function wrote(run: string, script: string, body: Body = {}): Promise<string> {
  const { id } = await operator.made(`/runs/${run}/processes`, {
    command: 'sh',
    args: ['-c', script],
    attach_output: false,
    ...body,
  });
  expect((await operator.get(`/processes/${id}/wait`)).status).toBe(200);
  return id;
}

const complete = async (run: string): Promise<void> => {
  await operator.patch(`/runs/${run}`, { status: 'running' });
  await operator.patch(`/runs/${run}`, { status: 'completed' });
};

/** What can be read of it from an offset: status, bytes and where the rest begins. */
async function outputOf(id: string, search = ''): Promise<unknown[]> {
  const headers = { authorization: `Bearer ${operator.key}` };
  const response = await fetch(`${server.url}/v1/processes/${id}/output?${search}`, { headers });
  const text = await response.text();
  if (response.ok) return [response.status, text];
  const { code, earliest_offset } = JSON.parse(text) as Body;
  return [response.status, code, earliest_offset];
}

describe('what processes wrote', () => {
  test('is due though the command is no good Unicode, as it could be once', async () => {
    const { id: run } = await operator.made('/runs');
    const id = await wrote(run, 'printf 0123456789 # half');
    await complete(run);
    const sql = new pg.Client({ connectionString: database.url });
    await sql.connect();
    const plant = (from: string, to: string) =>
      sql.query('UPDATE processes.processes SET doc = replace(doc::text, $2, $3)::json WHERE id = $1', [
        id,
        from,
        to,
      ]);
    await plant('# half', '# \\ud800');
    expect(await preview({ kind: 'process_output', max_bytes: 0 })).toMatchObject({ count: 1, bytes: 10 });
    await plant('# \\ud800', '# half');
    await sql.end();
  });

  test('goes as the preview told, once their run is over; what they were stays', async () => {
    const { id: run } = await operator.made('/runs');
    const loud = await wrote(run, 'printf 0123456789; printf bad >&2; exit 3');
    const cut = await wrote(run, 'printf 0123456789', { output_limit_bytes: 4 });
    await wrote(run, 'true');
    const limits = { max_bytes: 0 };
    await put('project', limits, 'process_output');
    await swept();
    expect(await outputOf(loud)).toEqual([200, '0123456789']);
    await complete(run);
    const told = await preview({ kind: 'process_output', ...limits });
    expect(told).toMatchObject({ subjects: 1, count: 2, bytes: 17, ids: [run] });
    const before = (await operator.get(`/processes/${loud}`)).body;
    expect((await swept()).result).toEqual({ removed: [{ ...told, archives: [] }], kept: 0 });

    expect((await operator.get(`/processes/${loud}`)).body).toEqual(before);
    expect(await outputOf(loud)).toEqual([410, 'gone', 10]);
    expect(await outputOf(loud, 'offset=9')).toEqual([410, 'gone', 10]);
    expect(await outputOf(loud, 'offset=10')).toEqual([200, '']);
    expect(await outputOf(loud, 'stream=stderr')).toEqual([410, 'gone', 3]);
    expect(await outputOf(cut)).toEqual([410, 'gone', 4]);
    expect(await outputOf(cut, 'stream=stderr')).toEqual([200, '']);
    const sse = await operator.get(`/processes/${loud}/output`, {
      accept: 'text/event-stream',
      'last-event-id': '3',
    });
    expect([sse.status, sse.body['code'], sse.body['earliest_offset']]).toEqual([410, 'gone', 10]);
    const watch = await Watch.open(`${server.url}/v1/processes/${loud}/output?offset=10`, operator.key);
    expect((await watch.until(({ event }) => event === 'end')).map(({ event }) => event)).toEqual(['end']);
    expect((await operator.get(`/runs/${run}/retention`)).body['kinds']).toMatchObject([
      {},
      {},
      { kind: 'process_output', stored: { count: 0, bytes: 0 }, purged: { count: 2, bytes: 17 } },
    ]);
    expect(await preview({ kind: 'process_output', ...limits })).toMatchObject({ subjects: 0, count: 0 });
  });

  test('stays as far as the size of the run allows, what ended last first', async () => {
    const { id: run } = await operator.made('/runs');
    const ids: string[] = [];
    for (const word of ['first', 'second', 'third']) ids.push(await wrote(run, `printf ${word}`));
    await complete(run);
    await put('project', { max_bytes: 11 }, 'process_output');
    await swept();
    expect(await Promise.all(ids.map((id) => outputOf(id)))).toEqual([
      [410, 'gone', 5],
      [200, 'second'],
      [200, 'third'],
    ]);
  });

  test('stays while it is young, and while a hold stands on its run', async () => {
    const [{ id: run }, { id: other }] = [await operator.made('/runs'), await operator.made('/runs')];
    const [held, free] = [await wrote(run, 'printf held'), await wrote(other, 'printf free')];
    await complete(run);
    await complete(other);
    await put('project', { max_age: 'P1D' }, 'process_output');
    await swept();
    expect([await outputOf(held), await outputOf(free)]).toEqual([
      [200, 'held'],
      [200, 'free'],
    ]);
    const hold = await operator.made('/legal-holds', { subject: { run_id: run }, reason: 'case 7' });
    await put('project', { max_age: 'PT0S' }, 'process_output');
    await swept();
    expect([await outputOf(held), await outputOf(free)]).toEqual([
      [200, 'held'],
      [410, 'gone', 4],
    ]);
    await operator.delete(`/legal-holds/${hold.id}`);
    await swept();
    expect(await outputOf(held)).toEqual([410, 'gone', 4]);
  });
});

test('what a project keeps is nothing that another one counts or removes', async () => {
  const { id: run } = await operator.made('/runs');
  await wrote(run, 'printf 0123456789');
  await append(run, {});
  const session = await sessionOf();
  await operator.post(`/sessions/${session}/transcript`, { segments: [{ role: 'user', content: 'text' }] });
  await complete(run);
  const other = await (await newProject(server)).caller('operator');
  for (const kind of ['logs', 'process_output', 'transcripts']) {
    const limits = { scope: 'project', kind, max_bytes: 0 };
    expect((await preview(limits))['subjects']).toBe(1);
    expect((await other.post('/retention/preview', limits)).body['subjects']).toBe(0);
  }
});

describe('the archive', () => {
  test('has what was removed, with a manifest that its hash proves', async () => {
    const run = await runWith([{ count: 4 }, { count: 3 }]);
    await put('project', { max_age: 'P1D', action: 'archive' });
    const { result, status } = await swept();
    expect(status).toBe('succeeded');
    const [name] = result.removed[0]?.['archives'] as string[];
    const folder = join(server.dataDir, 'archive');
    const manifest = JSON.parse(readFileSync(join(folder, String(name)), 'utf8')) as Record<string, unknown>;
    const file = readFileSync(join(folder, String(manifest['file'])));
    expect(manifest).toMatchObject({
      project_id: project.id,
      kind: 'logs',
      count: 7,
      bytes: file.length,
      sha256: createHash('sha256').update(file).digest('hex'),
      subjects: [{ id: run, first_seq: 1, last_seq: 7 }],
    });
    const lines = gunzipSync(file).toString().trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(
      [0, 1, 2, 3, 0, 1, 2].map((n, at) => ({
        run_id: run,
        seq: at + 1,
        ts: old,
        stream: 'stdout',
        message: `line ${n}`,
      })),
    );
  });

  test('that cannot be written keeps what was to go into it, and says so; what is purged goes', async () => {
    const session = await sessionOf();
    const [archived, purged] = [await runWith([{}]), await runWith([{}], { session })];
    await put('project', { max_age: 'P1D', action: 'archive' });
    await put(`session:${session}`, { max_age: 'P1D' });
    const inTheWay = join(server.dataDir, 'archive', project.id);
    mkdirSync(dirname(inTheWay), { recursive: true });
    writeFileSync(inTheWay, '');
    const failed = await swept();
    expect(failed).toMatchObject({ status: 'failed', error: expect.any(String) });
    expect(failed.result).toMatchObject({ removed: [{ action: 'purge', ids: [purged] }], kept: 1 });
    expect(await left(archived, purged)).toEqual([10, 0]);
    rmSync(inTheWay);
    expect(await swept()).toMatchObject({ status: 'succeeded', error: null });
    expect(await left(archived)).toEqual([0]);
  });

  test('has the bytes that processes wrote', async () => {
    const { id: run } = await operator.made('/runs');
    const id = await wrote(run, 'printf "a\\377b"; printf bad >&2');
    await complete(run);
    await put('project', { max_bytes: 0, action: 'archive' }, 'process_output');
    const { result } = await swept();
    const [name] = result.removed[0]?.['archives'] as string[];
    const folder = join(server.dataDir, 'archive');
    const manifest = JSON.parse(readFileSync(join(folder, String(name)), 'utf8')) as Record<string, unknown>;
    const file = readFileSync(join(folder, String(manifest['file'])));
    expect(manifest).toMatchObject({
      kind: 'process_output',
      count: 2,
      sha256: createHash('sha256').update(file).digest('hex'),
      subjects: [{ id: run, first_seq: 1, last_seq: 1 }],
    });
    const lines = gunzipSync(file).toString().trimEnd().split('\n');
    const written = (stream: string, bytes: Buffer) => ({
      ...{ run_id: run, process_id: id, stream, offset: 0, at: expect.any(String) },
      base64: bytes.toString('base64'),
    });
    const archived = lines.map((line) => JSON.parse(line) as Body);
    expect(archived).toHaveLength(2);
    expect(archived).toEqual(
      expect.arrayContaining([
        written('stdout', Buffer.from([0x61, 0xff, 0x62])),
        written('stderr', Buffer.from('bad')),
      ]),
    );
    expect(await outputOf(id)).toEqual([410, 'gone', 3]);
  });
});

describe('who may do what, and what is refused', () => {
  test('a viewer reads what becomes of its own runs, and nothing else', async () => {
    const user = '01990000-0000-7000-8000-000000000009';
    const worker = await project.caller('worker');
    const { id } = await worker.made('/runs', { user_id: user });
    const viewer = await project.caller('viewer', user);
    expect((await viewer.get(`/runs/${id}/retention`)).status).toBe(200);
    expect((await (await project.caller('viewer')).get(`/runs/${id}/retention`)).status).toBe(404);
    for (const [method, path, body] of [
      ['PUT', '/retention/policies/project/logs', { max_age: 'P1D' }],
      ['GET', '/retention/policies/project/logs', undefined],
      ['GET', '/retention/policies', undefined],
      ['POST', '/retention/preview', { scope: 'project', kind: 'logs' }],
      ['POST', '/retention/apply', {}],
      ['POST', '/legal-holds', { subject: { run_id: id }, reason: 'x' }],
      ['GET', '/legal-holds', undefined],
    ] as const) {
      expect([path, (await viewer.call(method, path, body)).status]).toEqual([path, 403]);
    }
  });

  test('the policies of a project are listed, widest scope first', async () => {
    const session = (await operator.made('/sessions', {})).id;
    await put(`session:${session}`, {});
    await put('project', { max_age: 'P1D' }, 'transcripts');
    await put('project', { max_bytes: 5, action: 'archive' });
    await put('project', { max_age: 'P2D' }, 'process_output');
    await operator.call('DELETE', '/retention/policies/project/process_output');
    await (
      await (await newProject(server)).caller('operator')
    ).call('PUT', '/retention/policies/project/logs', {});
    const auditor = await project.caller('auditor');
    const all: unknown[] = [];
    for (let search = '?limit=1'; search !== '';) {
      const { body } = await auditor.get(`/retention/policies${search}`);
      for (const policy of body['data'] as Body[]) {
        const path = `/retention/policies/${String(policy['scope'])}/${String(policy['kind'])}`;
        expect((await auditor.get(path)).body).toEqual(policy);
        all.push([policy['scope'], policy['kind']]);
      }
      const next = body['next_cursor'] as string | null;
      search = next === null ? '' : `?limit=1&cursor=${next}`;
    }
    expect(all).toEqual([
      ['project', 'logs'],
      ['project', 'transcripts'],
      [`session:${session}`, 'logs'],
    ]);
    const { body } = await auditor.get('/retention/policies?order=desc&limit=1');
    expect((body['data'] as Body[])[0]?.['scope']).toBe(`session:${session}`);
  });

  test('a policy may name the scope and kind that its path names, and no other', async () => {
    const session = (await operator.made('/sessions', {})).id;
    for (const scope of ['project', `session:${session}`]) {
      const policy = { scope, kind: 'logs', max_age: 'P9D', action: 'archive' };
      expect(await put(scope, policy)).toMatchObject({ status: 200, body: policy });
      expect((await put(scope, { ...policy, scope: null, kind: null })).status).toBe(200);
    }
    for (const [pointer, body] of [
      ['/scope', { scope: 'default' }],
      ['/kind', { kind: 'transcripts' }],
      ['/kind', { kind: 'letters' }],
    ] as const) {
      expect(await put('project', body)).toMatchObject({ status: 400, body: { errors: [{ pointer }] } });
    }
  });

  test('an auditor reads and previews, and changes nothing', async () => {
    await put('project', { max_age: 'P1D' });
    const auditor = await project.caller('auditor');
    expect((await auditor.get('/retention/policies/project/logs')).body).toMatchObject({
      max_age: 'P1D',
      action: 'purge',
    });
    expect((await auditor.post('/retention/preview', { scope: 'project', kind: 'logs' })).status).toBe(200);
    expect((await auditor.post('/retention/apply')).status).toBe(403);
    expect((await auditor.call('PUT', '/retention/policies/project/logs', {})).status).toBe(403);
  });

  test.each([
    [{ max_age: '30 days' }, '/max_age'],
    [{ max_age: 'P' }, '/max_age'],
    [{ max_bytes: -1 }, '/max_bytes'],
    [{ action: 'shred' }, '/action'],
    [{ nope: 1 }, '/nope'],
  ])('a policy %j is refused at %s', async (limits, pointer) => {
    const { status, body } = await put('project', limits);
    expect([status, body['code'], (body['errors'] as Body[])[0]?.['pointer']]).toEqual([
      400,
      'validation_failed',
      pointer,
    ]);
  });

  test.each([
    [{ subject: {}, reason: 'x' }, '/subject'],
    [{ subject: { user_id: '01990000-0000-7000-8000-000000000001', nope: 1 }, reason: 'x' }, '/subject/nope'],
    [{ subject: { run_id: 'x' }, reason: 'x' }, '/subject/run_id'],
    [{ subject: { user_id: '01990000-0000-7000-8000-000000000001' } }, '/reason'],
  ])('a hold %j is refused at %s', async (hold, pointer) => {
    const { status, body } = await operator.post('/legal-holds', hold);
    expect([status, (body['errors'] as Body[])[0]?.['pointer']]).toEqual([400, pointer]);
  });

  test('what is not there is 404, or 422 in a body; what has another revision is 412', async () => {
    const nobody = '01990000-0000-7000-8000-000000000001';
    expect((await put('everything', {})).status).toBe(404);
    expect((await put(`session:${nobody}`, {})).status).toBe(404);
    expect((await put('project', {}, 'dreams')).status).toBe(404);
    expect((await operator.get('/retention/policies/project/logs')).status).toBe(404);
    expect((await operator.get(`/operations/${nobody}`)).status).toBe(404);
    for (const name of ['run_id', 'session_id']) {
      const hold = await operator.post('/legal-holds', { subject: { [name]: nobody }, reason: 'x' });
      expect(hold).toMatchObject({ status: 422, body: { errors: [{ pointer: `/subject/${name}` }] } });
    }
    const unknown = await operator.post('/retention/preview', { scope: `session:${nobody}`, kind: 'logs' });
    expect([unknown.status, unknown.body['code']]).toEqual([422, 'unknown_reference']);
    expect(unknown.body['errors']).toMatchObject([{ pointer: '/scope' }]);
    const { body } = await operator.post('/retention/preview', { scope: 'everything', kind: 'logs' });
    expect((body['errors'] as Body[])[0]?.['pointer']).toBe('/scope');
    await put('project', { max_age: 'P1D' });
    const refused = await operator.call('PUT', '/retention/policies/project/logs', {}, { 'if-match': '"7"' });
    expect(refused.body['code']).toBe('revision_mismatch');
  });

  test('a second sweep while one runs is refused', async () => {
    for (let n = 0; n < 10; n++) await runWith([{ count: 1_000 }]);
    await put('project', { max_age: 'P1D' });
    const [one, two] = await Promise.all([
      operator.post('/retention/apply'),
      operator.post('/retention/apply'),
    ]);
    expect([one.status, two.status].sort()).toEqual([202, 409]);
    expect([one.body['code'], two.body['code']]).toContain('already_running');
  });
});

test('after all that was removed above, every read model is what a replay of the events gives', async () => {
  const admin = new Api(server.url, server.key);
  for (const name of ['logs', 'transcripts', 'retention', 'runs', 'sessions', 'timeline', 'processes']) {
    const path = `/projections/${name}/rebuilds`;
    const { id } = (await admin.post(path, { mode: 'verify' })).body;
    let rebuild: Body = {};
    await until(async () => {
      ({ body: rebuild } = await admin.get(`${path}/${String(id)}`));
      return rebuild['ended_at'] !== null;
    });
    expect(rebuild).toMatchObject({ status: 'succeeded', result: { identical: true } });
  }
});

import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { Api, type Body, dataOf, newProject, type Reply } from './support/api.js';
import type { Database } from './support/database.js';
import { eventsInPostgres, type Server, serverDatabase, startServer } from './support/server.js';
import { until } from './support/supervised-service.js';

let database: Database;
let server: Server;
let project: Awaited<ReturnType<typeof newProject>>;
let ann: Api;
let session: string;
let transcript: string;

beforeAll(async () => {
  database = await serverDatabase();
  server = await startServer({ ...eventsInPostgres, DATABASE_URL: database.url });
});
afterAll(async () => {
  await server.stop();
  await database.drop();
});
beforeEach(async () => {
  project = await newProject(server);
  ann = await project.caller('user');
  session = (await ann.made('/sessions')).id;
  transcript = `/sessions/${session}/transcript`;
});

const said = (...contents: unknown[]) => ({ segments: contents.map((content) => ({ content })) });
const numbered = (count: number) => said(...Array.from({ length: count }, (_, n) => n + 1));
const list = async (search = '', path = transcript): Promise<Body[]> =>
  dataOf(await ann.get(`${path}${search}`));
/** All segments, page by page. */
async function whole(path = transcript): Promise<Body[]> {
  const segments: Body[] = [];
  for (let cursor = ''; ;) {
    const reply = await ann.get(`${path}?limit=100${cursor}`);
    segments.push(...dataOf(reply));
    const next = reply.body['next_cursor'] as string | null;
    if (next === null) return segments;
    cursor = `&cursor=${next}`;
  }
}
const seqs = async (search = ''): Promise<unknown[]> => (await list(search)).map(({ seq }) => seq);
const fromTo = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, n) => first + n);
const codeOf = ({ status, body }: Reply) => [status, body['code']];

describe.each(['session', 'run'])('the transcript of a %s', (kind) => {
  beforeEach(async () => {
    if (kind === 'run') transcript = `/runs/${(await ann.made('/runs')).id}/transcript`;
  });

  it('takes segments, answers where they were put, and shows them at once, oldest first', async () => {
    const first = await ann.post(transcript, said('one', 'two'));
    expect([first.status, first.body]).toEqual([201, { first_seq: 1, last_seq: 2, count: 2 }]);
    expect((await ann.post(transcript, said('three'))).body).toEqual({ first_seq: 3, last_seq: 3, count: 1 });
    expect((await list()).map(({ seq, content }) => [seq, content])).toEqual([
      [1, 'one'],
      [2, 'two'],
      [3, 'three'],
    ]);
  });

  it('is compacted and redacted', async () => {
    await ann.post(transcript, numbered(10));
    expect(await ann.post(`${transcript}/compact`, { summary: 'one and two' })).toMatchObject({
      status: 201,
      body: { seq: 11, kind: 'summary', covers: 2 },
    });
    expect((await ann.post(`${transcript}/5/redact`, { reason: 'private' })).status).toBe(200);
    expect((await list()).map(({ seq, content }) => [seq, content]).slice(0, 4)).toEqual([
      [11, 'one and two'],
      [3, 3],
      [4, 4],
      [5, null],
    ]);
  });
});

describe('appending', () => {
  it('keeps a segment as it was sent', async () => {
    const run_id = (await ann.made(`/sessions/${session}/runs`)).id;
    const content = { deep: [{ x: null, 'a/b': 'ä😀\u2028\n' }], lone: '\ud800' };
    const segment = { kind: 'event', role: 'tool', content, run_id, metadata: { k: '\ud801' } };
    const before = new Date().toISOString();
    await ann.post(transcript, { segments: [segment, { content: null }] });
    const [first, second] = await list();
    const retention = { policy: null, expires_at: null, legal_hold: false, state: 'live' };
    expect(first).toEqual({ seq: 1, ...segment, created_at: expect.any(String), retention });
    expect(String(first?.['created_at']) >= before).toBe(true);
    expect(second).toEqual({
      seq: 2,
      kind: 'message',
      content: null,
      metadata: {},
      created_at: expect.any(String),
      retention,
    });
  });

  it('takes 1,000 segments, and several MiB in one request', async () => {
    const contents = Array.from({ length: 1_000 }, (_, n) => `${n} ${'x'.repeat(9_000)}`);
    expect((await ann.post(transcript, said(...contents))).body).toEqual({
      first_seq: 1,
      last_seq: 1_000,
      count: 1_000,
    });
    expect((await whole()).map(({ content }) => content)).toEqual(contents);
  });

  it('refuses a content of more than 1 MiB, and a body of more than 10 MiB', async () => {
    const most = `\n"${'x'.repeat(1024 * 1024 - 2)}`;
    expect((await ann.post(transcript, said(most))).status).toBe(201);
    expect((await whole()).map(({ content }) => content)).toEqual([most]);
    const refused = await ann.post(transcript, said('fine', `${most}x`));
    expect(codeOf(refused)).toEqual([413, 'payload_too_large']);
    expect(refused.body).toMatchObject({
      detail: expect.stringContaining('1048576'),
      errors: [{ pointer: '/segments/1/content', detail: expect.any(String) }],
    });
    expect(codeOf(await ann.post(transcript, said('x'.repeat(10 * 1024 * 1024))))).toEqual([
      413,
      'payload_too_large',
    ]);
    expect(await seqs()).toEqual([1]);
  });

  it('is done once under one Idempotency-Key', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const first = await ann.post(transcript, said('once'), headers);
    const again = await ann.post(transcript, said('once'), headers);
    expect(again.body).toEqual(first.body);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(await seqs()).toEqual([1]);
  });

  it('skips segments whose id the transcript has, and answers where those stand', async () => {
    const [a, b, c] = [randomUUID(), randomUUID(), randomUUID()];
    const named = (...ids: string[]) => ({ segments: ids.map((id) => ({ id, content: id })) });
    expect((await ann.post(transcript, named(a, b, a))).body).toEqual({
      first_seq: 1,
      last_seq: 2,
      count: 2,
    });
    expect((await ann.post(transcript, named(b, c))).body).toEqual({ first_seq: 3, last_seq: 3, count: 1 });
    expect((await ann.post(transcript, named(c, a))).body).toEqual({ first_seq: 1, last_seq: 3, count: 0 });
    expect((await list()).map(({ content }) => content)).toEqual([a, b, c]);
  });

  it('gives every segment a seq of its own, whoever else appends', async () => {
    const replies = await Promise.all(Array.from({ length: 20 }, () => ann.post(transcript, numbered(3))));
    expect(replies.map(({ body }) => body['first_seq']).sort((x, y) => Number(x) - Number(y))).toEqual(
      Array.from({ length: 20 }, (_, n) => 3 * n + 1),
    );
    expect(await seqs('?limit=100')).toEqual(fromTo(1, 60));
  });

  it('refuses a run that is unknown, or of another session', async () => {
    const elsewhere = (await ann.made('/runs')).id;
    for (const run_id of [randomUUID(), elsewhere]) {
      const reply = await ann.post(transcript, { segments: [{ content: 1 }, { content: 2, run_id }] });
      expect(codeOf(reply)).toEqual([422, 'unknown_reference']);
      expect(reply.body['errors']).toMatchObject([{ pointer: '/segments/1/run_id' }]);
    }
  });

  it.each<[string, unknown, string]>([
    ['no segments', {}, '/segments'],
    ['an empty list', { segments: [] }, '/segments'],
    ['more than 1,000', numbered(1_001), '/segments'],
    ['no list', { segments: 'x' }, '/segments'],
    ['an unknown field', { segments: [{ content: 1 }], more: 1 }, '/more'],
    ['a segment that is no object', { segments: ['x'] }, '/segments/0'],
    ['a segment without content', { segments: [{ content: 1 }, {}] }, '/segments/1/content'],
    ['an unknown field of a segment', { segments: [{ content: 1, seq: 3 }] }, '/segments/0/seq'],
    ['an unknown kind', { segments: [{ content: 1, kind: 'joke' }] }, '/segments/0/kind'],
    ['a redacted segment', { segments: [{ content: 1, kind: 'redacted' }] }, '/segments/0/kind'],
    ['a role with spaces', { segments: [{ content: 1, role: 'my role' }] }, '/segments/0/role'],
    ['a run that is no id', { segments: [{ content: 1, run_id: 'x' }] }, '/segments/0/run_id'],
    ['metadata that is no object', { segments: [{ content: 1, metadata: [] }] }, '/segments/0/metadata'],
    [
      'too much metadata',
      { segments: [{ content: 1, metadata: { x: 'x'.repeat(65_536) } }] },
      '/segments/0/metadata',
    ],
    ['an id that is no UUID', { segments: [{ content: 1, id: 'mine' }] }, '/segments/0/id'],
    ['U+0000', { segments: [{ content: 'a\0b' }] }, '/segments/0/content'],
  ])('refuses %s', async (_, body, pointer) => {
    const reply = await ann.post(transcript, body);
    expect(codeOf(reply)).toEqual([400, 'validation_failed']);
    expect(reply.body['errors']).toContainEqual({ pointer, detail: expect.any(String) });
    expect(await list()).toEqual([]);
  });
});

describe('reading', () => {
  beforeEach(async () => {
    await ann.post(transcript, {
      segments: [
        { content: 1, role: 'user' },
        { content: 2, kind: 'event' },
        { content: 3, kind: 'snapshot' },
        { content: 4, kind: 'event' },
        { content: 5, kind: 'summary' },
      ],
    });
  });

  it.each<[string, number[]]>([
    ['?after_seq=3', [4, 5]],
    ['?before_seq=3', [1, 2]],
    ['?after_seq=1&before_seq=4', [2, 3]],
    ['?after_seq=5', []],
    ['?kind=event', [2, 4]],
    ['?kind=event,summary', [2, 4, 5]],
    ['?order=desc', [5, 4, 3, 2, 1]],
    ['?order=desc&kind=event&limit=1', [4]],
    ['?view=full&limit=2', [1, 2]],
    ['?kind=redacted', []],
  ])('answers %s', async (search, wanted) => {
    expect(await seqs(search)).toEqual(wanted);
  });

  it.each(['asc', 'desc'])('goes on where a page ended: %s', async (order) => {
    const search = `?limit=2&order=${order}`;
    const pages: unknown[][] = [];
    for (let cursor = ''; ;) {
      const reply = await ann.get(`${transcript}${search}${cursor}`);
      pages.push(dataOf(reply).map(({ seq }) => seq));
      const next = reply.body['next_cursor'] as string | null;
      if (next === null) break;
      cursor = `&cursor=${next}`;
    }
    const all = order === 'asc' ? [1, 2, 3, 4, 5] : [5, 4, 3, 2, 1];
    expect(pages).toEqual([all.slice(0, 2), all.slice(2, 4), all.slice(4)]);
  });

  it.each([
    'limit=0',
    'limit=101',
    'after_seq=-1',
    'before_seq=x',
    'kind=joke',
    'order=up',
    'view=half',
    'seq=1',
  ])('refuses ?%s', async (search) => {
    const reply = await ann.get(`${transcript}?${search}`);
    expect(codeOf(reply)).toEqual([400, 'validation_failed']);
    const parameter = search.split('=')[0];
    expect(reply.body['errors']).toEqual([{ parameter, detail: expect.any(String) }]);
  });

  it('shows 20 segments, or as many as asked for up to 100', async () => {
    await ann.post(transcript, numbered(120));
    expect(await seqs()).toEqual(fromTo(1, 20));
    expect(await seqs('?limit=100')).toEqual(fromTo(1, 100));
  });

  it('refuses a cursor of other filters', async () => {
    const { body } = await ann.get(`${transcript}?limit=2`);
    const cursor = String(body['next_cursor']);
    expect(codeOf(await ann.get(`${transcript}?limit=2&kind=event&cursor=${cursor}`))).toEqual([
      400,
      'invalid_cursor',
    ]);
  });

  it('ends a page early when its segments are very long, and goes on from there', async () => {
    const long = 'x'.repeat(1_000_000);
    for (let n = 0; n < 5; n++) await ann.post(transcript, said(...Array.from({ length: 9 }, () => long)));
    const first = await ann.get(`${transcript}?limit=100&after_seq=5`);
    expect(dataOf(first).length).toBeLessThan(45);
    const cursor = String(first.body['next_cursor']);
    const second = await ann.get(`${transcript}?limit=100&after_seq=5&cursor=${cursor}`);
    expect([...dataOf(first), ...dataOf(second)].map(({ seq }) => seq)).toEqual(fromTo(6, 50));
  });

  it('has what a consistency token stands for, from another process too', async () => {
    const other = await startServer({
      ...eventsInPostgres,
      DATABASE_URL: database.url,
      ROLES: 'api',
      BOOTSTRAP_API_KEY: server.key,
    });
    try {
      const reply = await ann.post(transcript, said('six'));
      const token = String(reply.headers.get('consistency-token'));
      const there = new Api(other.url, ann.key);
      const read = await there.get(`${transcript}?after_seq=5`, { 'consistency-token': token });
      expect(dataOf(read)).toMatchObject([{ seq: 6, content: 'six' }]);
    } finally {
      await other.stop();
    }
  });
});

describe('compacting', () => {
  const compact = (body: Body): Promise<Reply> => ann.post(`${transcript}/compact`, body);

  it('puts a summary in the place of all but the last 8, and keeps the rest for the full view', async () => {
    await ann.post(transcript, numbered(12));
    await compact({ summary: { so_far: 'counting' } });
    const [summary, ...rest] = await list();
    expect(summary).toMatchObject({ seq: 13, kind: 'summary', content: { so_far: 'counting' }, covers: 4 });
    expect(rest.map(({ seq }) => seq)).toEqual(fromTo(5, 12));
    expect(await seqs('?view=full')).toEqual(fromTo(1, 13));
    await ann.post(transcript, said('more'));
    expect(await seqs()).toEqual([13, ...fromTo(5, 12), 14]);
    expect(await seqs('?order=desc')).toEqual([14, ...fromTo(5, 12).reverse(), 13]);
  });

  it('counts the summary before as one of the segments when it is done again', async () => {
    await ann.post(transcript, numbered(12));
    await compact({ summary: 'first' });
    await ann.post(transcript, numbered(2));
    expect((await compact({ summary: 'second', keep_last: 3 })).body).toMatchObject({ seq: 16, covers: 11 });
    expect(await seqs()).toEqual([16, 12, 14, 15]);
    expect(await seqs('?view=full')).toEqual(fromTo(1, 16));
    expect((await compact({ summary: 'third', keep_last: 3 })).body).toMatchObject({ seq: 17, covers: 11 });
    expect(await seqs()).toEqual([17, 12, 14, 15]);
  });

  it('goes on over pages', async () => {
    await ann.post(transcript, numbered(12));
    await compact({ summary: 'first', keep_last: 3 });
    const { body } = await ann.get(`${transcript}?limit=2`);
    const next = await ann.get(`${transcript}?limit=2&cursor=${String(body['next_cursor'])}`);
    expect([...(body['data'] as Body[]), ...dataOf(next)].map(({ seq }) => seq)).toEqual([13, 10, 11, 12]);
  });

  it('covers everything in full mode', async () => {
    await ann.post(transcript, numbered(3));
    await compact({ summary: 'all', mode: 'full' });
    expect(await seqs()).toEqual([4]);
    await ann.post(transcript, said('more'));
    await compact({ summary: 'all again', mode: 'full' });
    expect(await seqs()).toEqual([6]);
    expect(await seqs('?view=full')).toEqual(fromTo(1, 6));
  });

  it('covers none when no more stands there than is kept', async () => {
    await ann.post(transcript, numbered(3));
    expect((await compact({ summary: 'short' })).body).toMatchObject({ seq: 4, covers: 0 });
    expect(await seqs()).toEqual([4, 1, 2, 3]);
    await compact({ summary: 'shorter' });
    expect(await seqs()).toEqual([5, 1, 2, 3]);
    expect(await seqs('?view=full')).toEqual(fromTo(1, 5));
  });

  it('is refused where there is nothing', async () => {
    expect(codeOf(await compact({ summary: 'x' }))).toEqual([409, 'nothing_to_compact']);
  });

  it('is done once under one Idempotency-Key', async () => {
    await ann.post(transcript, numbered(3));
    const headers = { 'idempotency-key': randomUUID() };
    const body = { summary: 'all', mode: 'full' };
    const first = await ann.post(`${transcript}/compact`, body, headers);
    expect((await ann.post(`${transcript}/compact`, body, headers)).body).toEqual(first.body);
    expect(await seqs('?view=full')).toEqual(fromTo(1, 4));
  });

  it.each<[Body, string]>([
    [{}, '/summary'],
    [{ summary: 'x', keep_last: -1 }, '/keep_last'],
    [{ summary: 'x', keep_last: '3' }, '/keep_last'],
    [{ summary: 'x', mode: 'most' }, '/mode'],
    [{ summary: 'x', more: 1 }, '/more'],
  ])('refuses %j', async (body, pointer) => {
    const reply = await compact(body);
    expect(codeOf(reply)).toEqual([400, 'validation_failed']);
    expect(reply.body['errors']).toEqual([{ pointer, detail: expect.any(String) }]);
  });

  it('refuses a summary of more than 1 MiB', async () => {
    expect(codeOf(await compact({ summary: ['x'.repeat(1024 * 1024)] }))).toEqual([413, 'payload_too_large']);
  });
});

describe('redacting', () => {
  const redact = (seq: unknown, body: Body = { reason: 'private' }): Promise<Reply> =>
    ann.post(`${transcript}/${String(seq)}/redact`, body);

  it('takes the content away, and keeps who did it, when and why', async () => {
    await ann.post(transcript, { segments: [{ content: 'secret', role: 'user', metadata: { k: 1 } }] });
    await ann.post(transcript, said('open'));
    const reply = await redact(1);
    const me = (await ann.get('/me')).body;
    const redaction = { by: me['principal_id'], at: expect.any(String), reason: 'private' };
    expect([reply.status, reply.body]).toEqual([200, { seq: 1, kind: 'redacted', redaction }]);
    const [first, second] = await list();
    expect(first).toMatchObject({
      seq: 1,
      kind: 'redacted',
      role: 'user',
      content: null,
      metadata: { k: 1 },
      redaction,
    });
    expect(second).toMatchObject({ seq: 2, kind: 'message', content: 'open' });
    expect(await seqs('?kind=redacted')).toEqual([1]);
    expect(await seqs('?kind=message')).toEqual([2]);
  });

  it('keeps the first reason when it is done again', async () => {
    await ann.post(transcript, said('secret'));
    const first = await redact(1);
    expect((await redact(1, { reason: 'another' })).body).toEqual(first.body);
  });

  it('reaches the summary, and what a summary covers', async () => {
    await ann.post(transcript, numbered(3));
    await ann.post(`${transcript}/compact`, { summary: 'secret', mode: 'full' });
    for (const seq of [2, 4]) await redact(seq);
    expect((await list('?view=full')).map(({ content }) => content)).toEqual([1, null, 3, null]);
    expect(await list()).toMatchObject([{ seq: 4, kind: 'redacted', content: null, covers: 3 }]);
  });

  it('leaves in the store nothing from which the content could be made again', async () => {
    await ann.post(transcript, said('secret', 'open'));
    const held = async (): Promise<string[]> => {
      const client = new pg.Client({ connectionString: database.url });
      await client.connect();
      const { rows } = await client.query<{ data: string }>(
        `SELECT data::text AS data FROM eventstore.events WHERE stream = $1`,
        [`transcriptSeeds-${session}`],
      );
      await client.end();
      return rows.map(({ data }) => data);
    };
    const [root] = await held();
    await redact(1);
    const left = await held();
    expect(left).toHaveLength(1);
    const seedsIn = (data: string | undefined) => (JSON.parse(String(data)) as { seeds: Body[] }).seeds;
    expect(seedsIn(left[0])).not.toContainEqual(seedsIn(root)[0]);
    expect((await list()).map(({ content }) => content)).toEqual([null, 'open']);
  });

  it.each([0, 3, -1, 'x', '1e0'])('knows no segment %s', async (seq) => {
    await ann.post(transcript, said('one', 'two'));
    expect(codeOf(await redact(seq))).toEqual([404, 'not_found']);
  });

  it.each<[Body, string]>([
    [{}, '/reason'],
    [{ reason: '' }, '/reason'],
    [{ reason: 'x'.repeat(1_001) }, '/reason'],
    [{ reason: 'x', more: 1 }, '/more'],
  ])('refuses %j', async (body, pointer) => {
    await ann.post(transcript, said('one'));
    const reply = await redact(1, body);
    expect(codeOf(reply)).toEqual([400, 'validation_failed']);
    expect(reply.body['errors']).toEqual([{ pointer, detail: expect.any(String) }]);
  });
});

describe('a run that completes', () => {
  const events = [
    { type: 'user', data: { text: 'What is the weather?' } },
    { type: 'message.output.delta', data: { delta: 'Let' } },
    { type: 'tool_call.started', data: { tool_use_id: 't1', name: 'weather' } },
    { type: 'tool_call.completed', data: { tool_use_id: 't1', result: { sky: 'blue' } } },
    { type: 'tool_call.started', data: { tool_use_id: 't2', name: 'wind' } },
    { type: 'tool_call.failed', data: { tool_use_id: 't2', error: { code: 'x', message: 'no wind' } } },
    { type: 'message.output.completed', data: { text: 'Blue.' } },
  ];
  const wanted = [
    ['message', 'user', 'What is the weather?'],
    ['event', 'tool', 'weather: {"sky":"blue"}'],
    ['event', 'tool', 'wind failed: x: no wind'],
    ['message', 'assistant', 'Blue.'],
  ];
  const end = async (run: string, status = 'completed', told: readonly Body[] = events): Promise<void> => {
    for (let n = 0; n < told.length; n += 1_000) {
      await ann.post(`/runs/${run}/events`, { events: told.slice(n, n + 1_000) });
    }
    await ann.patch(`/runs/${run}`, { status: 'running' });
    await ann.patch(`/runs/${run}`, { status });
  };
  const shown = (segments: readonly Body[]) =>
    segments.map(({ kind, role, content }) => [kind, role, content]);
  const eventually = async (count: number, path = transcript): Promise<Body[]> => {
    let segments: Body[] = [];
    await until(async () => (segments = await whole(path)).length >= count);
    return segments;
  };

  it('is taken into the transcript of its session', async () => {
    const run = (await ann.made(`/sessions/${session}/runs`)).id;
    await ann.post(transcript, said('before'));
    await end(run);
    const [before, ...segments] = await eventually(5);
    expect(before).toMatchObject({ seq: 1, content: 'before' });
    expect(shown(segments)).toEqual(wanted);
    expect(new Set(segments.map(({ run_id }) => run_id))).toEqual(new Set([run]));
    expect(segments.map(({ metadata }) => (metadata as Body)['sequence_number'])).toEqual([2, 5, 7, 8]);
    expect(await list('', `/runs/${run}/transcript`)).toEqual([]);
  });

  it('is there for who asks with the token of its completion', async () => {
    for (let round = 0; round < 5; round++) {
      const run = (await ann.made(`/sessions/${session}/runs`)).id;
      await end(run);
      expect(shown(await list(`?after_seq=${round * wanted.length}`))).toEqual(wanted);
    }
  });

  it('is taken into its own transcript when it has no session', async () => {
    const run = (await ann.made('/runs')).id;
    await end(run);
    expect(shown(await eventually(4, `/runs/${run}/transcript`))).toEqual(wanted);
  });

  it('is taken whole, in order and once, however long it is', async () => {
    const run = (await ann.made(`/sessions/${session}/runs`)).id;
    const long = Array.from({ length: 901 }, (_, n) => ({
      type: 'user',
      data: { text: `${n} ${'x'.repeat(2_000)}` },
    }));
    await end(run, 'completed', long);
    const segments = await eventually(901);
    expect(segments.map(({ content }) => content)).toEqual(long.map(({ data }) => data.text));
  });

  it.each(['failed', 'cancelled'])('is alone in that: one that was %s leaves nothing', async (status) => {
    const [lost, run] = [(await ann.made(`/sessions/${session}/runs`)).id, (await ann.made('/runs')).id];
    await end(lost, status);
    await end(run);
    await eventually(4, `/runs/${run}/transcript`);
    expect(await list()).toEqual([]);
  });

  it('is taken later when the server was killed right then, and not twice', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'runledger-transcripts-'));
    const own = await serverDatabase();
    const env = { DATA_DIR: dataDir, DATABASE_URL: own.url };
    try {
      await (await startServer(env)).stop();
      const blind = await startServer({ ...env, ROLES: 'api' });
      const there = new Api(blind.url, blind.key);
      const run = (await there.made('/runs')).id;
      await there.post(`/runs/${run}/events`, { events });
      await there.patch(`/runs/${run}`, { status: 'running' });
      await there.patch(`/runs/${run}`, { status: 'completed' });
      await blind.kill();
      for (let round = 0; round < 2; round++) {
        const back = await startServer(env);
        ann = new Api(back.url, blind.key);
        expect(shown(await eventually(4, `/runs/${run}/transcript`))).toEqual(wanted);
        await back.kill();
      }
    } finally {
      await own.drop();
      rmSync(dataDir, { recursive: true, force: true });
    }
  });
});

describe('who may', () => {
  it('append and compact: all but those who only read; redact: not the worker either', async () => {
    const { user_id } = (await ann.get('/me')).body;
    await ann.post(transcript, numbered(9));
    const answers = Object.fromEntries(
      await Promise.all(
        (['viewer', 'user', 'worker', 'auditor', 'operator', 'admin'] as const).map(async (role) => {
          const caller = await project.caller(role, String(user_id));
          const statuses = [
            (await caller.get(transcript)).status,
            (await caller.post(transcript, said(role))).status,
            (await caller.post(`${transcript}/compact`, { summary: role })).status,
            (await caller.post(`${transcript}/1/redact`, { reason: role })).status,
          ];
          return [role, statuses] as const;
        }),
      ),
    );
    expect(answers).toEqual({
      viewer: [200, 403, 403, 403],
      user: [200, 201, 201, 200],
      worker: [200, 201, 201, 403],
      auditor: [200, 403, 403, 403],
      operator: [200, 201, 201, 200],
      admin: [200, 201, 201, 200],
    });
  });

  it.each(['session', 'run'])('not another user, nor another project: a %s is not there', async (kind) => {
    const path = kind === 'run' ? `/runs/${(await ann.made('/runs')).id}/transcript` : transcript;
    await ann.post(path, numbered(9));
    const ben = await project.caller('user');
    const stranger = await (await newProject(server)).caller('admin');
    for (const caller of [ben, stranger]) {
      const replies = [
        await caller.get(path),
        await caller.post(path, said('x')),
        await caller.post(`${path}/compact`, { summary: 'x' }),
        await caller.post(`${path}/1/redact`, { reason: 'x' }),
      ];
      expect(replies.map(codeOf)).toEqual(replies.map(() => [404, 'not_found']));
    }
    const operator = await project.caller('operator');
    expect(dataOf(await operator.get(path))).toHaveLength(9);
  });

  it('nobody, once the session was deleted', async () => {
    await ann.post(transcript, said('x'));
    await ann.delete(`/sessions/${session}`);
    expect(codeOf(await ann.get(transcript))).toEqual([410, 'session_deleted']);
    expect(codeOf(await ann.post(transcript, said('x')))).toEqual([410, 'session_deleted']);
  });

  it('a worker with a stale lease not', async () => {
    const worker = await project.caller('worker');
    const run = (await ann.made('/runs')).id;
    const [claimed] = (await worker.post('/runs/claim', { worker_id: 'w' })).body['data'] as Body[];
    expect(claimed?.['id']).toBe(run);
    const path = `/runs/${run}/transcript`;
    const lease = { 'lease-id': String(claimed?.['lease_id']) };
    expect((await worker.post(path, numbered(9), lease)).status).toBe(201);
    const stale = { 'lease-id': randomUUID() };
    expect(codeOf(await worker.post(path, said('x'), stale))).toEqual([409, 'lease_lost']);
    expect(codeOf(await worker.post(`${path}/compact`, { summary: 'x' }, stale))).toEqual([
      409,
      'lease_lost',
    ]);
  });
});

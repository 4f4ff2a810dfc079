import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type Server, startServer } from './support/server.js';
import { type Frame, Watch } from './support/sse.js';

let server: Server;
let run: string;
/** Keys by what their holders are. */
const keys: Record<string, string> = {};

interface Answer {
  status: number;
  headers: Headers;
  text: string;
  // The journeys look at what they expect, and a missing member fails there.
  json: Record<string, unknown>;
}

interface Entry {
  seq: number;
  ts: string;
  stream: string;
  level?: string;
  message: string;
}

async function call(
  path: string,
  { key = server.key, ...init }: RequestInit & { key?: string } = {},
): Promise<Answer> {
  const headers = { authorization: `Bearer ${key}`, ...(init.headers as Record<string, string>) };
  const answer = await fetch(`${server.url}${path}`, { ...init, headers });
  const text = await answer.text();
  const isJson = answer.headers.get('content-type')?.includes('json') === true && !text.includes('}\n');
  const json = isJson ? (JSON.parse(text) as Record<string, unknown>) : {};
  return { status: answer.status, headers: answer.headers, text, json };
}

const post = (
  path: string,
  body: unknown,
  { key, ...headers }: Record<string, string> = {},
): Promise<Answer> =>
  call(path, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
    ...(key !== undefined && { key }),
  });

const logs = (search = ''): string => `/v1/runs/${run}/logs${search}`;
const append = (entries: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
  post(logs(), { entries }, headers);
const messages = (count: number): { message: string }[] =>
  Array.from({ length: count }, (_, n) => ({ message: `line ${n}` }));
const list = async (search = ''): Promise<Entry[]> => (await call(logs(search))).json['data'] as Entry[];
const seqs = async (search = ''): Promise<number[]> => (await list(search)).map(({ seq }) => seq);
const fromTo = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, n) => first + n);

async function newRun(key = server.key): Promise<string> {
  const { status, json } = await post('/v1/runs', {}, { key });
  expect(status).toBe(201);
  return String(json['id']);
}

beforeAll(async () => {
  server = await startServer();
  await post('/v1/projects', { id: 'other', name: 'Other' });
  for (const [name, role, project_id] of [
    ['owner', 'user', 'default'],
    ['someone', 'user', 'default'],
    ['viewer', 'viewer', 'default'],
    ['auditor', 'auditor', 'default'],
    ['worker', 'worker', 'default'],
    ['operator', 'operator', 'default'],
    ['stranger', 'admin', 'other'],
  ] as const) {
    const { json } = await post('/v1/api-keys', { name, role, project_id });
    keys[name] = String(json['key']);
  }
});

afterAll(async () => {
  await server.stop();
});

beforeEach(async () => {
  run = await newRun();
});

const keyOf = (name: string): string => keys[name] ?? name;

describe('appending', () => {
  test('answers where the entries were put, and they are read at once', async () => {
    expect(await append(messages(3))).toMatchObject({
      status: 201,
      json: { first_seq: 1, last_seq: 3, count: 3 },
    });
    expect((await append(messages(2))).json).toEqual({ first_seq: 4, last_seq: 5, count: 2 });
    expect(await seqs()).toEqual([1, 2, 3, 4, 5]);
  });

  test('keeps an entry as it was sent, with the arrival time where it has none', async () => {
    const entry = {
      ts: '2026-01-02T03:04:05.678Z',
      stream: 'event',
      level: 'warn',
      message: 'a "b" \\ ä😀\u2028\n',
      attributes: { deep: [{ x: null }] },
    };
    const before = new Date().toISOString();
    await append([entry, { message: '' }]);
    const [first, second] = await list();
    expect(first).toEqual({ seq: 1, ...entry });
    expect(second).toEqual({ seq: 2, ts: expect.any(String), stream: 'stdout', message: '' });
    expect(String(second?.ts) >= before && String(second?.ts) <= new Date().toISOString()).toBe(true);
  });

  test('takes NDJSON, one entry a line', async () => {
    const body = '{"message":"one"}\n{"message":"two","stream":"stderr"}\n';
    const { status } = await post(logs(), body, { 'content-type': 'application/x-ndjson' });
    expect(status).toBe(201);
    expect(await list()).toMatchObject([
      { message: 'one', stream: 'stdout' },
      { message: 'two', stream: 'stderr' },
    ]);
  });

  test('takes plain text, one message a line, of the stream that the query names', async () => {
    const body = 'one\r\n\nthree ä😀';
    const { json } = await post(logs('?stream=stderr'), body, {
      'content-type': 'text/plain; charset=utf-8',
    });
    expect(json).toEqual({ first_seq: 1, last_seq: 3, count: 3 });
    await post(logs(), 'four\n', { 'content-type': 'text/plain' });
    expect((await list()).map(({ message, stream }) => [message, stream])).toEqual([
      ['one', 'stderr'],
      ['', 'stderr'],
      ['three ä😀', 'stderr'],
      ['four', 'stdout'],
    ]);
  });

  test('takes 1,000 entries, and several MiB in one request', async () => {
    const entries = Array.from({ length: 1_000 }, (_, n) => ({ message: `${n} ${'x'.repeat(9_000)}` }));
    const { json, headers } = await append(entries);
    expect(json).toEqual({ first_seq: 1, last_seq: 1_000, count: 1_000 });
    const found = await list(`?limit=1000&consistency_token=${String(headers.get('consistency-token'))}`);
    expect(found.map(({ message }) => message)).toEqual(entries.map(({ message }) => message));
  });

  test('takes a message of 1 MiB, and none beyond', async () => {
    const message = 'x'.repeat(1024 * 1024);
    expect((await append([{ message }])).status).toBe(201);
    expect(await append([{ message: `${message}x` }])).toMatchObject({
      status: 400,
      json: { code: 'validation_failed', errors: [{ pointer: '/entries/0/message' }] },
    });
  });

  test('refuses a body over 10 MiB', async () => {
    const { status, json } = await append([{ message: 'x'.repeat(10 * 1024 * 1024) }]);
    expect([status, json['code']]).toEqual([413, 'payload_too_large']);
  });

  test.each<[string, unknown, string]>([
    ['no entries', {}, '/entries'],
    ['an empty list', { entries: [] }, '/entries'],
    ['too many entries', { entries: messages(1_001) }, '/entries'],
    ['an unknown field', { entries: messages(1), nope: 1 }, '/nope'],
    [
      'an unknown field of an entry',
      { entries: [...messages(3), { message: '', nope: 1 }] },
      '/entries/3/nope',
    ],
    ['a wrong time', { entries: [{ message: '', ts: 'now' }] }, '/entries/0/ts'],
    ['a wrong stream', { entries: [{ message: '', stream: 'stdin' }] }, '/entries/0/stream'],
    ['a wrong level', { entries: [{ message: '', level: '' }] }, '/entries/0/level'],
    ['a wrong message', { entries: [{ message: 5 }] }, '/entries/0/message'],
    ['wrong attributes', { entries: [{ message: '', attributes: [] }] }, '/entries/0/attributes'],
    ['U+0000', { entries: [{ message: 'a\0' }] }, '/entries/0/message'],
    ['a list for a body', [], ''],
  ])('refuses %s, with a pointer, and stores nothing', async (_, body, pointer) => {
    const { status, json } = await post(logs(), body);
    expect([status, json['code']]).toEqual([400, 'validation_failed']);
    expect((json['errors'] as { pointer: string }[]).map((row) => row.pointer)).toContain(pointer);
    expect(await list()).toEqual([]);
  });

  test.each([
    ['application/x-ndjson', '{"message":"a"}\n{"message":1}', '/1/message'],
    ['application/x-ndjson', '', ''],
    ['text/plain', '', ''],
    ['text/plain', 'a\nb\0', '/1/message'],
  ])('refuses a wrong %s body with a pointer to the line', async (type, body, pointer) => {
    const { status, json } = await post(logs(), body, { 'content-type': type });
    expect([status, json['code']]).toEqual([400, 'validation_failed']);
    expect(json['errors']).toMatchObject([{ pointer }]);
  });

  test('refuses a text of JSON, which is no text/plain', async () => {
    const { status, json } = await post(logs(), '"a text"', { 'content-type': 'application/json' });
    expect([status, json['code']]).toEqual([400, 'validation_failed']);
    expect(json['errors']).toContainEqual({ pointer: '', detail: 'must be a JSON object' });
    expect(await list()).toEqual([]);
  });

  test('refuses a stream in the query of a body whose entries name their own', async () => {
    const { status, json } = await post(logs('?stream=stderr'), { entries: messages(1) });
    expect([status, json['errors']]).toMatchObject([400, [{ parameter: 'stream' }]]);
  });

  test('refuses JSON that is none, and media types it does not know', async () => {
    expect((await post(logs(), '{')).json['code']).toBe('malformed_json');
    expect((await post(logs(), '{\n{', { 'content-type': 'application/x-ndjson' })).json['code']).toBe(
      'malformed_json',
    );
    expect((await post(logs(), 'a', { 'content-type': 'text/csv' })).status).toBe(415);
  });

  test('goes on after the run has ended', async () => {
    for (const status of ['running', 'completed']) {
      const headers = { 'content-type': 'application/json' };
      await call(`/v1/runs/${run}`, { method: 'PATCH', body: JSON.stringify({ status }), headers });
    }
    expect((await call(`/v1/runs/${run}`)).json['status']).toBe('completed');
    expect((await append(messages(1))).status).toBe(201);
  });

  test('of 64 clients at once leaves no gap and loses nothing', async () => {
    const clients = fromTo(0, 63);
    const answers = await Promise.all(
      clients.map(async (client) => {
        const mine: [number, string][] = [];
        for (let n = 0; n < 5; n++) {
          const { status, json } = await append([{ message: `${client}/${n}` }]);
          expect(status).toBe(201);
          mine.push([Number(json['first_seq']), `${client}/${n}`]);
        }
        return mine;
      }),
    );
    const told = answers.flat().sort(([a], [b]) => a - b);
    expect(told.map(([seq]) => seq)).toEqual(fromTo(1, 320));
    expect((await list()).map(({ seq, message }) => [seq, message])).toEqual(told);
  });

  test('with an Idempotency-Key is done once', async () => {
    const first = await append(messages(2), { 'idempotency-key': `key-${run}` });
    const again = await append(messages(2), { 'idempotency-key': `key-${run}` });
    expect(again).toMatchObject({ status: 201, json: first.json });
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(await seqs()).toEqual([1, 2]);
  });
});

describe('a producer', () => {
  const producer = (seq: number | string, epoch: number | string = 0, id = 'p'): Record<string, string> => ({
    'producer-id': id,
    'producer-epoch': String(epoch),
    'producer-seq': String(seq),
  });

  test('that repeats a request gets 200 with the first answer', async () => {
    const first = await append(messages(2), producer(0));
    expect(first.status).toBe(201);
    await append(messages(1), producer(1));
    for (const [seq, json] of [
      [0, first.json],
      [1, { first_seq: 3, last_seq: 3, count: 1 }],
    ] as const) {
      expect(await append(messages(2), producer(seq))).toMatchObject({ status: 200, json });
    }
    expect(await seqs()).toEqual([1, 2, 3]);
  });

  test('gets the first answer however many requests ago it was, and of however many lines', async () => {
    const large = Array.from({ length: 3 }, () => ({ message: 'y'.repeat(500_000) }));
    const sent = [messages(2), large, ...fromTo(2, 9).map((n) => messages(n))];
    const first: Answer[] = [];
    for (const [seq, entries] of sent.entries()) {
      first.push(await append(entries, producer(seq)));
      await append(messages(1), producer(seq, 0, 'q'));
    }
    for (const [seq, { json }] of first.entries()) {
      expect(await append(messages(1), producer(seq))).toMatchObject({ status: 200, json });
    }
    expect((await append(messages(1), producer(sent.length))).status).toBe(201);
  });

  test('that sends one request many times at once leaves it once', async () => {
    const answers = await Promise.all(fromTo(1, 20).map(() => append(messages(2), producer(0))));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(await seqs()).toEqual([1, 2]);
  });

  test('that leaves one out is told which is next', async () => {
    await append(messages(1), producer(0));
    expect(await append(messages(1), producer(2))).toMatchObject({
      status: 409,
      json: { code: 'producer_gap', expected_seq: 1 },
    });
  });

  test('of an old epoch is fenced off, and a new epoch starts at 0', async () => {
    await append(messages(1), producer(0));
    expect((await append(messages(1), producer(1, 1))).json).toMatchObject({
      code: 'producer_gap',
      expected_seq: 0,
    });
    expect((await append(messages(1), producer(0, 1))).status).toBe(201);
    const { status, json } = await append(messages(1), producer(1, 0));
    expect([status, json['code']]).toEqual([403, 'producer_fenced']);
  });

  test('is one of its run and of its name', async () => {
    await append(messages(1), producer(0));
    expect((await append(messages(1), producer(0, 0, 'q'))).status).toBe(201);
    run = await newRun();
    expect((await append(messages(1), producer(0))).status).toBe(201);
  });

  test.each([
    ['Producer-Id', { 'producer-epoch': '0', 'producer-seq': '0' }],
    ['Producer-Epoch', { 'producer-id': 'p', 'producer-seq': '0' }],
    ['Producer-Seq', { 'producer-id': 'p', 'producer-epoch': '0' }],
    ['Producer-Seq', producer('-1')],
    ['Producer-Epoch', producer(0, '1.5')],
    ['Producer-Id', producer(0, 0, 'a b')],
  ])('with a wrong or missing %s is refused', async (parameter, headers) => {
    const { status, json } = await append(messages(1), headers);
    expect([status, json['code']]).toEqual([400, 'validation_failed']);
    expect(json['errors']).toMatchObject([{ parameter }]);
  });
});

describe('who may', () => {
  test.each([
    ['viewer', 403],
    ['auditor', 403],
    ['owner', 201],
    ['someone', 404],
    ['worker', 201],
    ['operator', 201],
    ['stranger', 404],
  ])('append to the run of a user: %s %i', async (name, status) => {
    run = await newRun(keyOf('owner'));
    expect((await append(messages(1), { key: keyOf(name) })).status).toBe(status);
  });

  test.each([
    ['viewer', 404],
    ['auditor', 200],
    ['owner', 200],
    ['someone', 404],
    ['worker', 200],
    ['operator', 200],
    ['stranger', 404],
  ])('read the run of a user: %s %i', async (name, status) => {
    run = await newRun(keyOf('owner'));
    expect((await call(logs(), { key: keyOf(name) })).status).toBe(status);
  });

  test('nobody finds a run that is not there', async () => {
    run = '00000000-0000-7000-8000-000000000000';
    expect((await append(messages(1))).json['code']).toBe('not_found');
    expect((await call(logs())).json['code']).toBe('not_found');
    run = 'nope';
    expect((await call(logs())).status).toBe(404);
  });
});

describe('listing', () => {
  const second = (n: number): string => new Date(Date.UTC(2026, 0, 1) + n * 1_000).toISOString();

  /** 20 lines, two a request; every fourth goes to stderr, every fifth is an error. */
  async function twentyLines(): Promise<void> {
    for (let n = 1; n <= 20; n += 2) {
      await append(
        [n, n + 1].map((seq) => ({
          ts: second(seq),
          stream: seq % 4 === 0 ? 'stderr' : 'stdout',
          ...(seq % 5 === 0 && { level: 'error' }),
          message: `line "${seq}" 100%_`,
        })),
      );
    }
  }

  test('finds what the filters say', async () => {
    await twentyLines();
    expect(await seqs()).toEqual(fromTo(1, 20));
    expect(await seqs('?after_seq=4&before_seq=8')).toEqual([5, 6, 7]);
    expect(await seqs(`?from=${second(6)}&to=${second(9)}`)).toEqual([6, 7, 8]);
    expect(await seqs(`?from=2026-01-01T02:00:06%2B02:00&to=${second(8)}`)).toEqual([6, 7]);
    expect(await seqs('?stream=stderr')).toEqual([4, 8, 12, 16, 20]);
    expect(await seqs('?stream=stderr,stdout&limit=3')).toEqual([1, 2, 3]);
    expect(await seqs('?level=error,fatal')).toEqual([5, 10, 15, 20]);
    expect(await seqs(`?q=${encodeURIComponent('"7" 100%_')}`)).toEqual([7]);
    expect(await seqs('?q=LINE')).toEqual([]);
    expect(await seqs('?stream=stderr&level=error&order=desc')).toEqual([20]);
    expect(await seqs('?tail=3')).toEqual([18, 19, 20]);
    expect(await seqs('?tail=2&stream=stderr&before_seq=20')).toEqual([12, 16]);
    expect(await seqs('?tail=3&limit=2&order=desc')).toEqual([20, 19]);
    expect(await seqs('?order=desc&limit=3')).toEqual([20, 19, 18]);
  });

  const bounded = '&after_seq=2&before_seq=18';
  test.each([
    ...['', '&order=desc', '&stream=stdout', '&stream=stdout&order=desc'],
    ...[bounded, `${bounded}&order=desc`],
  ])('goes from page to page, the last one without a cursor (%p)', async (search) => {
    await twentyLines();
    const walked: number[] = [];
    let cursor: unknown = '';
    do {
      const page = await call(logs(`?limit=7${search}${cursor === '' ? '' : `&cursor=${String(cursor)}`}`));
      walked.push(...(page.json['data'] as Entry[]).map(({ seq }) => seq));
      cursor = page.json['next_cursor'];
    } while (cursor !== null);
    expect(walked).toEqual(await seqs(`?limit=1000${search}`));
  });

  test('answers NDJSON and plain text with the next page in a header', async () => {
    await append([{ message: 'one' }, { message: 'zwei ä' }, { message: 'three' }]);
    const text = await call(logs('?limit=2'), { headers: { accept: 'text/plain' } });
    expect(text.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(text.text).toBe('one\nzwei ä\n');
    const cursor = String(text.headers.get('next-cursor'));
    const ndjson = await call(logs(`?limit=2&cursor=${cursor}`), {
      headers: { accept: 'application/x-ndjson, text/plain;q=0.5, */*;q=0.1' },
    });
    expect(ndjson.headers.get('content-type')).toContain('application/x-ndjson');
    expect(ndjson.headers.get('next-cursor')).toBeNull();
    expect(JSON.parse(ndjson.text)).toMatchObject({ seq: 3, message: 'three' });
  });

  test('waits for the Consistency-Token', async () => {
    const token = String((await append(messages(1))).headers.get('consistency-token'));
    const { status, json } = await call(logs(), { headers: { 'consistency-token': token } });
    expect([status, (json['data'] as Entry[]).length]).toEqual([200, 1]);
    expect((await call(logs('?consistency_token=nope'))).json['code']).toBe('invalid_consistency_token');
  });

  test.each([
    ['after_seq', '-1'],
    ['after_seq', 'x'],
    ['before_seq', '1.5'],
    ['from', 'yesterday'],
    ['to', '0000-01-01T00:00:00Z'],
    ['stream', 'stdin'],
    ['level', ''],
    ['q', ''],
    ['q', '%00'],
    ['tail', '0'],
    ['tail', '10001'],
    ['order', 'up'],
    ['limit', '0'],
    ['limit', '10001'],
    ['nope', '1'],
  ])('refuses %s=%s', async (parameter, value) => {
    const { status, json } = await call(logs(`?${parameter}=${value}`));
    expect([status, json['code']]).toEqual([400, 'validation_failed']);
    expect(json['errors']).toMatchObject([{ parameter }]);
  });

  test('refuses a cursor that is broken, of other filters, or with a tail', async () => {
    await append(messages(3));
    const cursor = String((await call(logs('?limit=1'))).json['next_cursor']);
    expect((await call(logs('?cursor=nope'))).json['code']).toBe('invalid_cursor');
    expect((await call(logs(`?stream=stdout&cursor=${cursor}`))).json['code']).toBe('invalid_cursor');
    expect((await call(logs(`?tail=1&cursor=${cursor}`))).status).toBe(400);
  });
});

describe('following', () => {
  const follow = (search = '', headers: Record<string, string> = {}): Promise<Watch> =>
    Watch.open(`${server.url}${logs(search)}`, server.key, headers);
  const ended = ({ event }: Frame): boolean => event === 'end';
  const end = (): Promise<Answer> => post(`/v1/runs/${run}/cancel`, {});
  const ids = (frames: readonly Frame[]): number[] =>
    frames.filter(({ event }) => event === 'log').map(({ id }) => Number(id));

  test('what was written, what is being written, and the end', async () => {
    await append(messages(3));
    const frames = (await follow()).until(ended);
    await append([{ message: 'last', level: 'warn', stream: 'stderr' }]);
    await end();
    const all = await frames;
    expect(ids(all)).toEqual([1, 2, 3, 4]);
    expect(all.slice(0, 4).map(({ data }) => data)).toEqual(await list());
    expect(all.at(-1)?.event).toBe('end');
  });

  test('from any line on, by query or by Last-Event-ID, the run over or not', async () => {
    for (let n = 0; n < 9; n++) await append(messages(n % 3 === 0 ? 1 : 4));
    const total = 3 + 6 * 4;
    const open = await follow('?after_seq=11');
    const first = await open.until(({ id }) => Number(id) === total);
    open.close();
    expect(ids(first)).toEqual(fromTo(12, total));
    await end();
    for (let after = 0; after <= total; after++) {
      const frames = await (await follow('?after_seq=0', { 'last-event-id': String(after) })).until(ended);
      expect(ids(frames)).toEqual(fromTo(after + 1, total));
    }
  });

  test('only the lines that are asked for, under their own numbers', async () => {
    await append([
      { message: 'a', level: 'info' },
      { message: 'b', level: 'warn', stream: 'stderr' },
      { message: 'ab', level: 'warn' },
    ]);
    await end();
    expect(ids(await (await follow('?level=warn&q=a')).until(ended))).toEqual([3]);
    expect(ids(await (await follow('?stream=stderr')).until(ended))).toEqual([2]);
    expect(ids(await (await follow('?before_seq=3')).until(ended))).toEqual([1, 2]);
    expect(ids(await (await follow('?tail=2')).until(ended))).toEqual([2, 3]);
    expect(ids(await (await follow('?tail=2&level=warn,info&q=a')).until(ended))).toEqual([1, 3]);
    expect(ids(await (await follow('?tail=2', { 'last-event-id': '0' })).until(ended))).toEqual([1, 2, 3]);
  });

  test('lines that were written at once reach who follows at once', async () => {
    const watching = await follow();
    const frames = watching.until(({ id }) => id === '2000');
    await Promise.all([append(messages(1_000)), append(messages(1_000))]);
    expect(ids(await frames)).toEqual(fromTo(1, 2_000));
    watching.close();
  });

  test('a broken place, or another user’s run, is refused before the stream begins', async () => {
    expect((await follow('', { 'last-event-id': 'x' })).status).toBe(400);
    expect((await follow('?after_seq=-1')).status).toBe(400);
    expect((await Watch.open(`${server.url}${logs()}`, keyOf('someone'))).status).toBe(404);
  });
});

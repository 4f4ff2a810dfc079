import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type Api, type Body, dataOf, newProject, type Reply } from './support/api.js';
import { type Server, startServer } from './support/server.js';
import { Watch } from './support/sse.js';
import { until } from './support/supervised-service.js';

let server: Server;
let project: Awaited<ReturnType<typeof newProject>>;
let ann: Api;
let source: string;

beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server.stop();
});
beforeEach(async () => {
  project = await newProject(server);
  ann = await project.caller('user');
  const setup = { title: 'A talk', tags: ['red'], model_id: 'm', metadata: { team: 'blue' } };
  source = (await ann.made('/sessions', setup)).id;
});

/** A run of the session in which the user says something and is answered; it stays running when told so. */
async function answered(session: string, text: string, { ends = true } = {}): Promise<string> {
  const { id } = await ann.made(`/sessions/${session}/runs`);
  await ann.patch(`/runs/${id}`, { status: 'running' });
  const usage = { input_tokens: 5 };
  await ann.post(`/runs/${id}/events`, {
    events: [
      { type: 'user', data: { text } },
      { type: 'message.output.completed', data: { text: `${text}!`, usage } },
    ],
  });
  if (ends) await ann.patch(`/runs/${id}`, { status: 'completed' });
  return id;
}

/** The same, and the answer is in the transcript. */
async function turn(session: string, text: string): Promise<void> {
  await answered(session, text);
  await until(async () => (await said(session)).at(-1) === `${text}!`);
}

const fork = async (of: string, body: Body = {}): Promise<Body & { id: string }> => {
  const reply = await ann.post(`/sessions/${of}/fork`, body);
  expect([reply.status, reply.body['code']]).toEqual([201, undefined]);
  return reply.body as Body & { id: string };
};
const events = async (session: string, search = ''): Promise<Body[]> =>
  dataOf(await ann.get(`/sessions/${session}/events${search}`));
const typesOf = (list: readonly Body[]): unknown[] => list.map(({ type }) => type);
const transcript = async (session: string, search = ''): Promise<Body[]> =>
  dataOf(await ann.get(`/sessions/${session}/transcript${search}`));
const said = async (session: string, search = ''): Promise<unknown[]> =>
  (await transcript(session, search)).map(({ content }) => content);
const say = async (session: string, ...contents: unknown[]): Promise<Body> =>
  (await ann.post(`/sessions/${session}/transcript`, { segments: contents.map((content) => ({ content })) }))
    .body;
const codeOf = ({ status, body }: Reply): unknown[] => [status, body['code']];

describe('a fork at the end', () => {
  test('shares all events and all that was said, and none of the runs', async () => {
    await turn(source, 'one');
    await say(source, 'two');
    const shared = await events(source);
    const { id, ...shown } = await fork(source);
    expect(shown).toMatchObject({
      ...{ title: 'A talk', tags: ['red'], model_id: 'm', metadata: { team: 'blue' }, alias: null },
      forked_from: { session_id: source, sequence_number: shared.length },
      ...{ status: 'started', preview: 'one', output_preview: 'one!', revision: 1, started_at: null },
      run_counts: { pending: 0, running: 0, completed: 0, failed: 0, cancelled: 0 },
      usage: { input_tokens: 0 },
    });
    expect((await ann.get(`/sessions/${id}`)).body).toEqual({ id, ...shown });
    expect(dataOf(await ann.get(`/sessions/${id}/runs`))).toEqual([]);
    const feed = await events(id);
    expect(feed.slice(0, -1)).toEqual(shared);
    expect(feed.at(-1)).toMatchObject({
      ...{ type: 'session.forked', session_id: id, sequence_number: shared.length + 1 },
      data: { forked_from: { session_id: source, sequence_number: shared.length }, title: 'A talk' },
    });
    expect(await transcript(id)).toEqual(await transcript(source));
    expect((await ann.get(`/sessions/${id}/summary`)).body).toMatchObject({
      title: 'A talk',
      status: 'idle',
    });
    expect(await ann.ids('/sessions')).toEqual([id, source]);
  });

  test('has the answer of a run that has just ended', async () => {
    for (let n = 0; n < 5; n++) {
      await answered(source, `question ${n}`);
      const { id } = await fork(source);
      expect((await said(id)).at(-1)).toEqual(`question ${n}!`);
    }
  });

  test('goes its own way, and its source its own', async () => {
    await say(source, 'one');
    const { id } = await fork(source, { title: 'Another talk', tags: ['new'] });
    expect(await say(id, 'mine')).toEqual({ first_seq: 2, last_seq: 2, count: 1 });
    await say(source, 'theirs');
    await turn(id, 'hello');
    await ann.patch(`/sessions/${source}`, { title: 'Renamed' });
    expect(await said(id)).toEqual(['one', 'mine', 'hello', 'hello!']);
    expect(await said(source)).toEqual(['one', 'theirs']);
    expect(typesOf(await events(source))).toEqual(['session.created', 'session.updated']);
    const feed = await events(id);
    expect(feed.map(({ sequence_number }) => sequence_number)).toEqual(feed.map((_, n) => n + 1));
    expect(typesOf(feed).slice(0, 3)).toEqual(['session.created', 'session.forked', 'run.created']);
    expect((await ann.get(`/sessions/${id}`)).body).toMatchObject({
      ...{ title: 'Another talk', tags: ['new'], preview: 'hello', output_preview: 'hello!' },
      ...{ run_counts: { completed: 1 }, usage: { input_tokens: 5 } },
    });
  });

  test('ends where it ends, however far its source goes on', async () => {
    const { id } = await fork(source);
    for (const n of [1, 2, 3, 4]) await ann.patch(`/sessions/${source}`, { title: String(n) });
    expect(typesOf(await events(id))).toEqual(['session.created', 'session.forked']);
    expect(await events(id, '?starting_after=2')).toEqual([]);
  });

  test('is not empty, were it of a session in which nothing has happened', async () => {
    const { id } = await fork(source);
    expect(await said(id)).toEqual([]);
    expect(typesOf(await events(id))).toEqual(['session.created', 'session.forked']);
    await say(id, 'first');
    expect(await transcript(id)).toMatchObject([{ seq: 1, content: 'first' }]);
  });

  test('knows the ids of the segments that it shares', async () => {
    const one = { id: randomUUID(), content: 'one' };
    await ann.post(`/sessions/${source}/transcript`, { segments: [one] });
    const { id } = await fork(source);
    const again = await ann.post(`/sessions/${id}/transcript`, { segments: [one] });
    expect(again.body).toEqual({ first_seq: 1, last_seq: 1, count: 0 });
  });

  test('is made once by an Idempotency-Key', async () => {
    await say(source, 'one');
    const key = { 'idempotency-key': randomUUID() };
    const first = await ann.post(`/sessions/${source}/fork`, {}, key);
    const again = await ann.post(`/sessions/${source}/fork`, {}, key);
    expect([again.status, again.body['id']]).toEqual([201, first.body['id']]);
    expect(first.headers.get('location')).toBe(`/v1/sessions/${String(first.body['id'])}`);
    expect(await ann.ids('/sessions')).toHaveLength(2);
  });
});

describe('a fork at a point', () => {
  test('by its number, shares what had happened and had been said by then', async () => {
    await turn(source, 'one');
    const point = (await events(source)).length;
    await ann.patch(`/sessions/${source}`, { title: 'Renamed', model_id: 'n' });
    await turn(source, 'two');
    const shared = (await events(source)).slice(0, point);
    const { id, ...shown } = await fork(source, { at_sequence: point });
    expect(shown).toMatchObject({
      ...{ title: 'A talk', model_id: 'm', preview: 'one', output_preview: 'one!' },
      forked_from: { session_id: source, sequence_number: point },
    });
    expect((await events(id)).slice(0, -1)).toEqual(shared);
    expect(await said(id)).toEqual(['one', 'one!']);
    const early = await fork(source, { at_sequence: 1 });
    expect(await said(early.id)).toEqual([]);
    expect(early).toMatchObject({ preview: null, title: 'A talk' });
  });

  test('has what a run said that had completed by then, however soon the next began', async () => {
    const runs: string[] = [];
    for (let n = 0; n < 3; n++) runs.push(await answered(source, `question ${n}`));
    const feed = await events(source);
    for (const [n, run] of runs.entries()) {
      const ended = feed.find(({ type, run_id }) => type === 'run.completed' && run_id === run);
      const { id } = await fork(source, { at_sequence: ended?.['sequence_number'] });
      expect((await said(id)).at(-1)).toBe(`question ${n}!`);
    }
  });

  test('by a time, shares what was made by then', async () => {
    await turn(source, 'one');
    const before = await events(source);
    const at_time = String(before.at(-1)?.['created_at']);
    await turn(source, 'two');
    const { forked_from } = await fork(source, { at_time });
    const { sequence_number } = forked_from as { sequence_number: number };
    const [last, next] = (await events(source)).slice(sequence_number - 1);
    expect([String(last?.['created_at']) <= at_time, String(next?.['created_at']) > at_time]).toEqual([
      true,
      true,
    ]);
    expect(await fork(source, { at_time: '2100-01-01T00:00:00Z' })).toMatchObject({
      forked_from: { sequence_number: (await events(source)).length },
    });
  });

  test('by a time, shares what was said by then, though the feed tells of nothing since', async () => {
    const sayAfter = async (time: string, session: string): Promise<void> => {
      await until(() => Date.now() > Date.parse(time));
      await say(session, 'later');
    };
    const saidBy = async (at_time: string, session: string): Promise<unknown[]> =>
      said((await fork(session, { at_time })).id);
    await say(source, 'one');
    const one = String((await transcript(source))[0]?.['created_at']);
    await sayAfter(one, source);
    expect(await saidBy(one, source)).toEqual(['one']);
    const copy = await fork(source);
    const forked = String((await events(copy.id)).at(-1)?.['created_at']);
    await sayAfter(forked, copy.id);
    expect(await saidBy(one, copy.id)).toEqual(['one']);
    expect(await saidBy(forked, copy.id)).toEqual(['one', 'later']);
    expect(await saidBy('9999-12-31T23:59:59.999Z', copy.id)).toEqual(['one', 'later', 'later']);
  });

  test('compacted by then stays so, and is compacted anew by the fork alone', async () => {
    await say(source, 'one', 'two', 'three');
    const compacted = { summary: 'one and two', keep_last: 1 };
    await ann.post(`/sessions/${source}/transcript/compact`, compacted);
    const { id } = await fork(source);
    expect(await said(id)).toEqual(['one and two', 'three']);
    await ann.post(`/sessions/${id}/transcript/compact`, { summary: 'all', mode: 'full' });
    expect(await said(id)).toEqual(['all']);
    expect(await said(id, '?view=full')).toEqual(['one', 'two', 'three', 'one and two', 'all']);
    expect(await said(source)).toEqual(['one and two', 'three']);
  });
});

describe('a fork of a fork', () => {
  test('shares what its source shows, from whomever that is', async () => {
    await turn(source, 'one');
    const first = await fork(source);
    await turn(first.id, 'two');
    const second = await fork(first.id, { title: 'second' });
    await turn(second.id, 'three');
    expect(await said(second.id)).toEqual(['one', 'one!', 'two', 'two!', 'three', 'three!']);
    const shared = await events(first.id);
    expect((await events(second.id)).slice(0, shared.length)).toEqual(shared);
    expect(second['forked_from']).toEqual({ session_id: first.id, sequence_number: shared.length });
    expect(await events(second.id, '?order=desc&limit=3')).toEqual(
      (await events(second.id)).slice(-3).reverse(),
    );
  });

  test('at a point that its source shares', async () => {
    await say(source, 'one');
    await turn(source, 'two');
    const { length } = await events(source);
    await say(source, 'after');
    const first = await fork(source, { title: 'first' });
    await say(first.id, 'mine');
    const second = await fork(first.id, { at_sequence: 1 });
    expect(second).toMatchObject({
      title: 'A talk',
      forked_from: { session_id: first.id, sequence_number: 1 },
    });
    expect(typesOf(await events(second.id))).toEqual(['session.created', 'session.forked']);
    const third = await fork(first.id, { at_sequence: length });
    expect(third).toMatchObject({ title: 'A talk', preview: 'two' });
    expect(await said(third.id)).toEqual(['one', 'two', 'two!', 'after']);
    expect((await events(third.id)).slice(0, -1)).toEqual(await events(source));
    const fourth = await fork(first.id, { at_sequence: length + 1 });
    expect(fourth).toMatchObject({ title: 'first' });
    expect(await said(fourth.id)).toEqual(['one', 'two', 'two!', 'after', 'mine']);
  });
});

describe('a fork is read', () => {
  test('as it was, from its own creation on', async () => {
    await turn(source, 'one');
    const { id, forked_from } = await fork(source);
    const { sequence_number: point } = forked_from as { sequence_number: number };
    await ann.patch(`/sessions/${id}`, { title: 'Renamed' });
    expect((await ann.get(`/sessions/${id}?as_of=${point}`)).status).toBe(404);
    expect((await ann.get(`/sessions/${id}?as_of=${point + 1}`)).body).toMatchObject({
      ...{ title: 'A talk', preview: 'one', revision: 1, run_counts: { completed: 0 } },
    });
    expect((await ann.get(`/sessions/${id}?as_of=${point + 2}`)).body).toMatchObject({ title: 'Renamed' });
  });

  test('across the seam by those who come back, of the types that they want, and live', async () => {
    await turn(source, 'one');
    const { id } = await fork(source);
    await turn(id, 'two');
    const all = await events(id);
    const url = `${server.url}/v1/sessions/${id}/events`;
    const from = all.length - 7;
    const watch = await Watch.open(url, ann.key, { 'last-event-id': String(from) });
    const last = all.length + 1;
    const frames = watch.until(({ id: place }) => place === String(last));
    await ann.patch(`/sessions/${id}`, { title: 'Renamed' });
    const seen = (await frames).filter(({ event }) => event !== 'snapshot');
    expect(seen.map(({ data }) => data)).toEqual((await events(id)).slice(from));
    const asked = '?types=user,session.forked,session.created';
    expect(typesOf(await events(id, asked))).toEqual(['session.created', 'user', 'session.forked', 'user']);
    const { created_at } = all[2] as Body;
    expect(await events(id, `?after=${String(created_at)}`)).toEqual(
      (await events(id)).filter((event) => String(event['created_at']) > String(created_at)),
    );
  });

  test('page by page, of the transcript and of the feed, in either order', async () => {
    await say(source, 'one', 'two', 'three');
    const { id } = await fork(source);
    await say(id, 'four', 'five');
    for (const order of ['asc', 'desc']) {
      const path = `/sessions/${id}/transcript?limit=2&order=${order}`;
      const seen: unknown[] = [];
      for (let cursor = ''; ;) {
        const { body } = await ann.get(`${path}${cursor}`);
        seen.push(...(body['data'] as Body[]).map(({ content }) => content));
        if (body['next_cursor'] === null) break;
        cursor = `&cursor=${body['next_cursor'] as string}`;
      }
      const wanted = ['one', 'two', 'three', 'four', 'five'];
      expect(seen).toEqual(order === 'asc' ? wanted : wanted.reverse());
    }
  });

  test('as a whole, by an export that counts what it shares', async () => {
    await turn(source, 'one');
    const { id } = await fork(source);
    await say(id, 'mine');
    await said(id);
    const response = await fetch(`${server.url}/v1/sessions/${id}/export`, {
      headers: { authorization: `Bearer ${ann.key}` },
    });
    const lines = (await response.text())
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Body);
    const of = (type: string): unknown[] => lines.filter((line) => line['type'] === type);
    const [manifest] = of('manifest') as [{ data: { counts: Body } }];
    expect(manifest.data.counts).toMatchObject({ runs: 0, events: of('event').length, segments: 3 });
    expect([of('segment').length, of('event').length]).toEqual([3, (await events(id)).length]);
  });
});

describe('redacting', () => {
  test.each(['fork', 'source'])('through the %s takes a shared segment from both', async (through) => {
    await say(source, 'one', 'secret', 'three');
    const { id } = await fork(source);
    await say(id, 'mine');
    const further = await fork(id);
    const by = through === 'fork' ? further.id : source;
    const reply = await ann.post(`/sessions/${by}/transcript/2/redact`, { reason: 'private' });
    expect(reply).toMatchObject({ status: 200, body: { seq: 2, redaction: { reason: 'private' } } });
    for (const one of [source, id, further.id]) {
      expect((await transcript(one))[1]).toMatchObject({
        ...{ kind: 'redacted', content: null, redaction: { reason: 'private' } },
      });
    }
    expect(await said(further.id)).toEqual(['one', null, 'three', 'mine']);
  });

  test('what the fork does not share is not found through it', async () => {
    await say(source, 'one');
    const { id } = await fork(source);
    await say(source, 'two');
    const reply = await ann.post(`/sessions/${id}/transcript/2/redact`, { reason: 'private' });
    expect(codeOf(reply)).toEqual([404, 'not_found']);
    expect(await said(source)).toEqual(['one', 'two']);
  });
});

describe('a source', () => {
  test('that was deleted leaves its forks as they are', async () => {
    await turn(source, 'one');
    const { id } = await fork(source);
    const before = await events(id);
    await ann.delete(`/sessions/${source}`);
    expect(await events(id)).toEqual(before);
    expect(await said(id)).toEqual(['one', 'one!']);
    expect((await ann.get(`/sessions/${id}`)).body).toMatchObject({ forked_from: { session_id: source } });
    expect(codeOf(await ann.post(`/sessions/${source}/fork`))).toEqual([410, 'session_deleted']);
    const further = await fork(id, { at_sequence: 1 });
    expect(further).toMatchObject({ title: 'A talk' });
    await ann.post(`/sessions/${id}/transcript/1/redact`, { reason: 'private' });
    expect(await said(id)).toEqual([null, 'one!']);
  });

  test('in which a run is running is busy, a sub-run too', async () => {
    const run = await answered(source, 'one', { ends: false });
    const busy = await ann.post(`/sessions/${source}/fork`);
    expect([...codeOf(busy), busy.body['run_id']]).toEqual([409, 'session_busy', run]);
    const child = await ann.made(`/sessions/${source}/runs`, { parent_run_id: run });
    await ann.patch(`/runs/${child.id}`, { status: 'running' });
    await ann.patch(`/runs/${run}`, { status: 'completed' });
    await ann.get(`/runs?session_id=${source}`);
    expect(codeOf(await ann.post(`/sessions/${source}/fork`))).toEqual([409, 'session_busy']);
    await ann.patch(`/runs/${child.id}`, { status: 'completed' });
    await fork(source);
  });

  test('of another user, or that is none, is not found', async () => {
    const bob = await project.caller('user');
    expect(codeOf(await bob.post(`/sessions/${source}/fork`))).toEqual([404, 'not_found']);
    expect(codeOf(await ann.post(`/sessions/${randomUUID()}/fork`))).toEqual([404, 'not_found']);
    // Nor is one made behind the refusal.
    const { headers, body } = await ann.post(`/sessions/${source}/fork`);
    const token = { 'consistency-token': headers.get('consistency-token') ?? '' };
    const listed = dataOf(await ann.get('/sessions?include_empty=true&limit=100', token));
    expect(listed.filter(({ forked_from }) => forked_from !== null).map(({ id }) => id)).toEqual([
      body['id'],
    ]);
    const viewer = await project.caller('viewer');
    expect(codeOf(await viewer.post(`/sessions/${source}/fork`))).toEqual([403, 'forbidden']);
  });

  test('keeps its user, whoever forks it', async () => {
    const operator = await project.caller('operator');
    const { body } = await operator.post(`/sessions/${source}/fork`);
    const { user_id } = (await ann.get(`/sessions/${source}`)).body;
    expect(body).toMatchObject({ user_id });
    expect((await ann.get(`/sessions/${String(body['id'])}`)).status).toBe(200);
  });
});

test.each([
  ['both points', { at_sequence: 1, at_time: '2100-01-01T00:00:00Z' }, '/at_time'],
  ['a number behind the end', { at_sequence: 2 }, '/at_sequence'],
  ['the number 0', { at_sequence: 0 }, '/at_sequence'],
  ['no number', { at_sequence: 'x' }, '/at_sequence'],
  ['a time before its creation', { at_time: '2000-01-01T00:00:00Z' }, '/at_time'],
  ['no time', { at_time: 'yesterday' }, '/at_time'],
  ['a title that is none', { title: 1 }, '/title'],
  ['an unknown field', { at: 1 }, '/at'],
])('refuses %s', async (_, body, pointer) => {
  const { status, body: problem } = await ann.post(`/sessions/${source}/fork`, body);
  expect([status, problem['code'], problem['errors']]).toEqual([
    400,
    'validation_failed',
    [{ pointer, detail: expect.any(String) }],
  ]);
});

describe('resolving with fork_from', () => {
  const resolve = (body: Body): Promise<Reply> => ann.post('/sessions/resolve', body);

  test('forks by alias, else by id, whatever else is given', async () => {
    await say(source, 'one');
    await ann.patch(`/sessions/${source}`, { alias: 'talk' });
    for (const fork_from of ['talk', source]) {
      const { status, body, headers } = await resolve({ fork_from, session_id: randomUUID(), alias: 'copy' });
      expect([status, body['resolution']]).toEqual([201, 'forked']);
      const made = body['session'] as Body & { id: string };
      expect(headers.get('location')).toBe(`/v1/sessions/${made.id}`);
      expect(made).toMatchObject({ alias: 'copy', forked_from: { session_id: source }, title: 'A talk' });
      expect(await said(made.id)).toEqual(['one']);
    }
    expect((await ann.get(`/sessions/${source}`)).body).toMatchObject({ alias: 'talk' });
  });

  test('finds no session by what is neither', async () => {
    expect(codeOf(await resolve({ fork_from: 'nobody' }))).toEqual([404, 'not_found']);
    expect(codeOf(await resolve({ fork_from: randomUUID() }))).toEqual([404, 'not_found']);
  });

  test('at once, to one alias, makes a fork for each, one of which bears it', async () => {
    const replies = await Promise.all(
      Array.from({ length: 6 }, () => resolve({ fork_from: source, alias: 'copy' })),
    );
    expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 201));
    const ids = replies.map(({ body }) => (body['session'] as Body)['id']);
    expect(new Set(ids).size).toBe(6);
    const bearers = await ann.ids('/sessions?alias=copy');
    expect(bearers).toHaveLength(1);
    expect(ids).toContain(bearers[0]);
  });
});

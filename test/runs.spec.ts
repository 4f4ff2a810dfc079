import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Api, type Body, dataOf, newProject, type Reply } from './support/api.js';
import { type Server, startServer } from './support/server.js';

const statuses = ['pending', 'running', 'completed', 'failed', 'cancelled'] as const;
type Status = (typeof statuses)[number];

let server: Server;
let project: Awaited<ReturnType<typeof newProject>>;
let ann: Api;

beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server.stop();
});
beforeEach(async () => {
  project = await newProject(server);
  ann = await project.caller('user');
});

const codes = (replies: readonly { status: number; body: Body }[]) =>
  replies.map(({ status, body }) => [status, body['code']]);

/** Brings a new run to a status. */
async function runThatIs(status: Status, body: Body = {}): Promise<Body & { id: string }> {
  const run = await ann.made('/runs', body);
  if (status === 'pending') return run;
  if (status !== 'cancelled') await ann.patch(`/runs/${run.id}`, { status: 'running' });
  if (status === 'running') return run;
  await ann.patch(`/runs/${run.id}`, { status });
  return run;
}

const statusOf = async (run: { id: string }) => (await ann.get(`/runs/${run.id}`)).body['status'];

describe('creating a run', () => {
  it('answers 201 with the run, its place and its ETag', async () => {
    const [task_id, job_id] = [randomUUID(), randomUUID()];
    const body = {
      task_id,
      job_id,
      source: 'spec',
      input: { a: [1] },
      metadata: { k: 'v' },
      max_attempts: 5,
    };
    const reply = await ann.post('/runs', body);
    expect(reply.status).toBe(201);
    expect(reply.body).toMatchObject({
      ...body,
      project_id: project.id,
      kind: 'job',
      status: 'pending',
      root_run_id: reply.body['id'],
      parent_run_id: null,
      attempt: 0,
      lease: null,
      started_at: null,
      revision: 1,
    });
    expect(reply.headers.get('location')).toBe(`/v1/runs/${String(reply.body['id'])}`);
    expect(reply.headers.get('etag')).toMatch(/^"1\./);
    expect((await ann.get(`/runs/${String(reply.body['id'])}`)).body).toEqual(reply.body);
  });

  it('refuses a session or a parent that is unknown or foreign', async () => {
    const foreign = await (await newProject(server)).caller('user');
    const session = await foreign.made('/sessions');
    const run = await foreign.made('/runs');
    const replies = [
      await ann.post('/runs', { session_id: session.id }),
      await ann.post('/runs', { session_id: randomUUID() }),
      await ann.post('/runs', { parent_run_id: run.id }),
    ];
    expect(codes(replies)).toEqual(replies.map(() => [422, 'unknown_reference']));
    expect(replies.map(({ body }) => body['errors'])).toMatchObject(
      ['/session_id', '/session_id', '/parent_run_id'].map((pointer) => [{ pointer }]),
    );
    expect(codes([await ann.post(`/sessions/${session.id}/runs`)])).toEqual([[404, 'not_found']]);
  });

  it('lets a worker name the user, and nobody else', async () => {
    const worker = await project.caller('worker');
    const user_id = randomUUID();
    expect(await worker.made('/runs', { user_id })).toMatchObject({ user_id });
    expect(codes([await ann.post('/runs', { user_id })])).toEqual([[403, 'forbidden']]);
  });

  it('belongs to the user of its session, else of its parent, when a worker names none', async () => {
    const worker = await project.caller('worker');
    const session = await ann.made('/sessions');
    const parent = await ann.made('/runs');
    const work = await worker.made(`/sessions/${session.id}/runs`);
    const below = await worker.made('/runs', { parent_run_id: parent.id });
    const both = await worker.post('/runs', { session_id: session.id, parent_run_id: parent.id });
    const token = { 'consistency-token': String(both.headers.get('consistency-token')) };
    expect((await ann.get(`/runs/${work.id}`, token)).status).toBe(200);
    expect(dataOf(await ann.get(`/runs/${parent.id}/tree`, token)).map(({ id }) => id)).toEqual([
      parent.id,
      below.id,
      both.body['id'],
    ]);
    const user_id = randomUUID();
    expect(await worker.made('/runs', { user_id, parent_run_id: parent.id })).toMatchObject({ user_id });
    expect((await worker.made('/runs'))['user_id']).toBe((await worker.get('/me')).body['user_id']);
  });

  it('replays the answer to an Idempotency-Key, and refuses it for another body', async () => {
    const { id } = await ann.made('/sessions');
    const headers = { 'idempotency-key': randomUUID() };
    const first = await ann.post(`/sessions/${id}/runs`, { source: 'a' }, headers);
    const again = await ann.post(`/sessions/${id}/runs`, { source: 'a' }, headers);
    const other = await ann.post(`/sessions/${id}/runs`, { source: 'b' }, headers);
    expect([first.status, again.status, again.body]).toEqual([201, 201, first.body]);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(codes([other])).toEqual([[422, 'idempotency_key_reused']]);
  });
});

describe('a run in a session that another run holds', () => {
  let session: string;
  let holder: Body & { id: string };
  beforeEach(async () => {
    session = (await ann.made('/sessions')).id;
    holder = await ann.made(`/sessions/${session}/runs`);
  });

  it('is refused, naming the holder, until the holder is over', async () => {
    expect(holder).toMatchObject({ kind: 'turn', session_id: session });
    const refused = await ann.post(`/sessions/${session}/runs`);
    expect(refused.body).toMatchObject({
      status: 409,
      code: 'session_busy',
      run_id: holder.id,
      retryable: true,
    });
    expect(codes([await ann.post('/runs', { session_id: session, on_active_run: 'reject' })])).toEqual([
      [409, 'session_busy'],
    ]);
    await ann.post(`/runs/${holder.id}/cancel`);
    expect((await ann.post(`/sessions/${session}/runs`)).status).toBe(201);
  });

  it('runs beside it with `allow`', async () => {
    const run = await ann.made(`/sessions/${session}/runs`, { on_active_run: 'allow' });
    expect((await ann.patch(`/runs/${run.id}`, { status: 'running' })).status).toBe(200);
    expect(await statusOf(holder)).toBe('pending');
  });

  it('waits with `enqueue` until all before it are over', async () => {
    const second = await ann.made(`/sessions/${session}/runs`, { on_active_run: 'enqueue' });
    const third = await ann.made(`/sessions/${session}/runs`, { on_active_run: 'enqueue' });
    const start = (run: { id: string }) => ann.patch(`/runs/${run.id}`, { status: 'running' });
    expect((await start(second)).body).toMatchObject({ code: 'session_busy', run_id: holder.id });
    await start(holder);
    expect((await start(second)).status).toBe(409);
    await ann.patch(`/runs/${holder.id}`, { status: 'completed' });
    expect((await start(third)).body).toMatchObject({ code: 'session_busy', run_id: second.id });
    expect((await start(second)).status).toBe(200);
    await ann.post(`/runs/${second.id}/cancel`);
    expect((await start(third)).status).toBe(200);
  });

  it('cancels it and what is below it with `steer`', async () => {
    const child = await ann.made('/runs', { parent_run_id: holder.id });
    const run = await ann.made(`/sessions/${session}/runs`, { on_active_run: 'steer' });
    expect([await statusOf(holder), await statusOf(child), await statusOf(run)]).toEqual([
      'cancelled',
      'cancelled',
      'pending',
    ]);
  });

  it('is exempt when it has a parent', async () => {
    const body = { session_id: session, parent_run_id: holder.id };
    expect((await ann.post('/runs', body)).status).toBe(201);
    expect((await ann.post(`/sessions/${session}/runs`, { parent_run_id: holder.id })).status).toBe(201);
  });

  it('wins alone against 49 others that want the free session at once', async () => {
    const { id } = await ann.made('/sessions');
    const replies = await Promise.all(
      Array.from({ length: 50 }, () => ann.post(`/sessions/${id}/runs`, { on_active_run: 'reject' })),
    );
    const [winner, ...more] = replies.filter(({ status }) => status === 201);
    expect(more).toEqual([]);
    const losers = replies
      .filter((reply) => reply !== winner)
      .map(({ body }) => [body['code'], body['run_id']]);
    expect(losers).toEqual(Array(49).fill(['session_busy', winner?.body['id']]));
    expect(await ann.ids(`/sessions/${id}/runs`)).toEqual([winner?.body['id']]);
  });

  it('leaves one alive of many that steer at once', async () => {
    const replies = await Promise.all(
      Array.from({ length: 5 }, () => ann.post(`/sessions/${session}/runs`, { on_active_run: 'steer' })),
    );
    expect(replies.filter(({ status }) => status !== 201)).toEqual([]);
    expect(await ann.ids(`/sessions/${session}/runs?status=pending`)).toHaveLength(1);
  });
});

describe('the status of a run', () => {
  const legal = new Set([
    'pending running',
    'pending failed',
    'pending cancelled',
    'running completed',
    'running failed',
    'running cancelled',
  ]);
  const pairs = statuses.flatMap((from) => statuses.map((to) => [from, to] as const));

  it.each(pairs)('from %s to %s', async (from, to) => {
    const run = await runThatIs(from);
    const { body: before } = await ann.get(`/runs/${run.id}`);
    const { status, body } = await ann.patch(`/runs/${run.id}`, { status: to });
    if (from === to) expect([status, body]).toEqual([200, before]);
    else if (legal.has(`${from} ${to}`)) {
      expect([status, body]).toMatchObject([200, { status: to, revision: Number(before['revision']) + 1 }]);
    } else {
      expect([status, body['code']]).toEqual([409, 'illegal_transition']);
      expect(body['detail']).toMatch(new RegExp(`${from}.*${to}`));
      expect((await ann.get(`/runs/${run.id}`)).body).toEqual(before);
    }
  });

  it('is taken as `canceled` and `queued`, too, and shown as ours', async () => {
    const run = await runThatIs('pending');
    expect((await ann.patch(`/runs/${run.id}`, { status: 'queued' })).body['status']).toBe('pending');
    expect((await ann.patch(`/runs/${run.id}`, { status: 'canceled' })).body['status']).toBe('cancelled');
    expect(await ann.ids('/runs?status=canceled,cancelled')).toEqual([run.id]);
    expect(await ann.ids('/runs?status=queued')).toEqual([]);
  });
});

describe('changing a run', () => {
  it('keeps what came of it, merges metadata and replaces usage', async () => {
    const run = await runThatIs('running', { metadata: { a: { x: 1 }, b: 2 } });
    const usage = {
      input_tokens: 1,
      output_tokens: 2,
      cache_read_tokens: 3,
      cache_creation_tokens: 4,
      cost_usd: 0.5,
    };
    await ann.patch(`/runs/${run.id}`, { usage, output: 'draft' });
    const change = {
      status: 'failed',
      error: { code: 'boom', message: 'It broke.', details: { at: 1 } },
      output: { text: 'final' },
      done_reason: 'crash',
      metadata: { a: { y: 2 }, b: null, c: true },
      usage: { output_tokens: 9 },
    };
    const { body } = await ann.patch(`/runs/${run.id}`, change);
    expect(body).toMatchObject({
      ...change,
      metadata: { a: { y: 2 }, c: true },
      usage: {
        input_tokens: 0,
        output_tokens: 9,
        cache_read_tokens: 0,
        cache_creation_tokens: 0,
        cost_usd: 0,
      },
      ended_at: body['updated_at'],
    });
    expect((await ann.get(`/runs/${run.id}`)).body).toEqual(body);
  });

  it('compares If-Match with the revision, and answers 304 while nothing has changed', async () => {
    const { body, headers } = await ann.post('/runs');
    const path = `/runs/${String(body['id'])}`;
    const etag = String(headers.get('etag'));
    expect((await ann.get(path, { 'if-none-match': etag })).status).toBe(304);
    expect((await ann.patch(path, { status: 'running' }, { 'if-match': etag })).status).toBe(200);
    expect((await ann.get(path, { 'if-none-match': etag })).status).toBe(200);
    const stale = [
      await ann.patch(path, { status: 'completed' }, { 'if-match': etag }),
      await ann.post(`${path}/cancel`, {}, { 'if-match': '"1"' }),
    ];
    expect(codes(stale)).toEqual(stale.map(() => [412, 'revision_mismatch']));
    expect((await ann.post(`${path}/cancel`, {}, { 'if-match': '"2"' })).status).toBe(200);
  });
});

describe('cancelling a run', () => {
  it('cancels all below it, down to the grand-children, and leaves what is over', async () => {
    const root = await runThatIs('running');
    const child = await runThatIs('running', { parent_run_id: root.id });
    const done = await runThatIs('completed', { parent_run_id: root.id });
    const grand = await ann.made('/runs', { parent_run_id: child.id });
    const below = await runThatIs('running', { parent_run_id: done.id });
    const { status, body } = await ann.post(`/runs/${root.id}/cancel`, { reason: 'enough' });
    expect([status, body]).toMatchObject([
      200,
      { status: 'cancelled', run: { id: root.id, status: 'cancelled', status_reason: { reason: 'enough' } } },
    ]);
    const after = await Promise.all([root, child, done, grand].map(statusOf));
    expect(after).toEqual(['cancelled', 'cancelled', 'completed', 'cancelled']);
    expect(await statusOf(below)).toBe('running');
    expect(codes([await ann.post('/runs', { parent_run_id: root.id })])).toEqual([[409, 'run_terminal']]);
  });

  it('cancels all below it by PATCH, too', async () => {
    const root = await runThatIs('running');
    const child = await ann.made('/runs', { parent_run_id: root.id });
    await ann.patch(`/runs/${root.id}`, { status: 'cancelled' });
    expect(await statusOf(child)).toBe('cancelled');
  });

  it('does nothing to a run that is over, however often', async () => {
    for (const status of ['completed', 'failed', 'cancelled'] as const) {
      const run = await runThatIs(status);
      const { body: before } = await ann.get(`/runs/${run.id}`);
      const reply = await ann.post(`/runs/${run.id}/cancel`);
      expect([reply.status, reply.body]).toEqual([200, { status: 'no_op', run: before }]);
    }
  });

  it('is done once by many at once, none of whom is answered before all below it is cancelled', async () => {
    const run = await runThatIs('running');
    const child = await ann.made('/runs', { parent_run_id: run.id });
    const grand = await ann.made('/runs', { parent_run_id: child.id });
    const cancelled = async (): Promise<Reply> => {
      const reply = await ann.post(`/runs/${run.id}/cancel`);
      expect(await statusOf(grand)).toBe('cancelled');
      return reply;
    };
    const replies = await Promise.all(Array.from({ length: 20 }, cancelled));
    expect(replies.filter(({ body }) => body['status'] === 'cancelled')).toHaveLength(1);
    expect((await ann.get(`/runs/${run.id}`)).body['revision']).toBe(3);
  });
});

describe('the tree of a run', () => {
  it('has the run and all below it, depth first, oldest first', async () => {
    const root = await ann.made('/runs');
    const a = await ann.made('/runs', { parent_run_id: root.id });
    const b = await ann.made('/runs', { parent_run_id: root.id });
    const a1 = await ann.made('/runs', { parent_run_id: a.id });
    const b1 = await ann.made('/runs', { parent_run_id: b.id });
    const a11 = await ann.made('/runs', { parent_run_id: a1.id });
    expect(a11).toMatchObject({ root_run_id: root.id, task_id: root['task_id'] });
    const tree = async (id: string) =>
      dataOf(await ann.get(`/runs/${id}/tree`)).map(({ id, depth }) => [id, depth]);
    expect(await tree(root.id)).toEqual([
      [root.id, 0],
      [a.id, 1],
      [a1.id, 2],
      [a11.id, 3],
      [b.id, 1],
      [b1.id, 2],
    ]);
    expect(await tree(a1.id)).toEqual([
      [a1.id, 0],
      [a11.id, 1],
    ]);
    expect(Object.keys((await ann.get(`/runs/${root.id}/tree`)).body)).toEqual(['data']);
    const bob = await project.caller('user');
    expect((await bob.get(`/runs/${root.id}/tree`)).status).toBe(404);
  });

  it('is cut where it has a thousand runs, depth first', async () => {
    const root = await ann.made('/runs');
    const first = await ann.made('/runs', { parent_run_id: root.id });
    await ann.made('/runs', { parent_run_id: root.id });
    const below = { parent_run_id: first.id };
    for (let made = 0; made < 1_000; made += 100)
      await Promise.all(Array.from({ length: 100 }, () => ann.made('/runs', below)));
    const cut = await ann.get(`/runs/${root.id}/tree`);
    expect(dataOf(cut).map(({ depth }) => depth)).toEqual([0, 1, ...Array<number>(998).fill(2)]);
    expect(cut.body['truncated']).toBe(true);
  });

  it('is shown without what belongs to another user', async () => {
    const root = await ann.made('/runs');
    const worker = await project.caller('worker');
    const ofBob = await worker.made('/runs', { parent_run_id: root.id, user_id: randomUUID() });
    const path = `/runs/${root.id}/tree`;
    expect(await worker.ids(path)).toEqual([root.id, ofBob.id]);
    expect(await ann.ids(path)).toEqual([root.id]);
  });
});

describe('listing runs', () => {
  it('filters by every field, and by several at once', async () => {
    const { id: session } = await ann.made('/sessions');
    const [task, job] = [randomUUID(), randomUUID()];
    const one = await runThatIs('completed', {
      task_id: task,
      job_id: job,
      session_id: session,
      source: 'cli',
      kind: 'workflow',
      metadata: { team: 'red', 'a.b/c': 'x y', size: 3, on: true, deep: { no: 1 } },
    });
    const two = await runThatIs('running', { parent_run_id: one.id, metadata: { team: 'red' } });
    const three = await ann.made('/runs', { source: 'cli', metadata: { team: 'blue', size: 3 } });
    const read = async (run: { id: string }) => (await ann.get(`/runs/${run.id}`)).body;
    const [first, second] = [await read(one), await read(two)];
    const time = (run: Body, name: string, by = 0) =>
      new Date(Date.parse(String(run[name])) + by).toISOString();
    const cases: [string, string[]][] = [
      ['', [three.id, two.id, one.id]],
      ['order=asc', [one.id, two.id, three.id]],
      [`task_id=${task}`, [two.id, one.id]],
      [`job_id=${job}`, [one.id]],
      [`session_id=${session}`, [one.id]],
      [`parent_run_id=${one.id}`, [two.id]],
      [`root_run_id=${one.id}`, [two.id, one.id]],
      [`user_id=${String(one['user_id'])}&kind=workflow`, [one.id]],
      ['status=pending', [three.id]],
      ['status=pending,completed', [three.id, one.id]],
      ['status=pending,pending&order=asc', [three.id]],
      ['source=cli', [three.id, one.id]],
      ['kind=job', [three.id, two.id]],
      ['metadata.team=red', [two.id, one.id]],
      ['metadata.team=red&metadata.size=3', [one.id]],
      ['metadata.size=3&order=asc', [one.id, three.id]],
      ['metadata.on=true', [one.id]],
      ['metadata.a.b/c=x%20y', [one.id]],
      ['metadata.deep=%5Bobject%20Object%5D', []],
      ['metadata.team=red&status=running,completed&limit=100', [two.id, one.id]],
      [`created_after=${time(first, 'created_at')}&task_id=${task}`, [two.id]],
      [`created_before=${time(first, 'created_at')}`, []],
      [`created_before=${time(first, 'created_at', 1)}&task_id=${task}`, [one.id]],
      [`started_after=${time(second, 'started_at', -1)}&task_id=${task}`, [two.id]],
      [`started_before=${time(second, 'started_at')}`, [one.id]],
      [`started_before=${time(first, 'started_at').replace('Z', '999Z')}`, [one.id]],
      [`ended_after=${time(first, 'ended_at')}`, []],
      [`ended_after=${time(first, 'ended_at', -1)}&ended_before=${time(first, 'ended_at', 1)}`, [one.id]],
      ['started_after=0000-01-01T00:00:00Z&status=running', [two.id]],
      ['started_before=9999-12-31T23:59:59-23:59&source=cli', [one.id]],
      [`source=cli&kind=workflow&status=completed&metadata.team=red&session_id=${session}`, [one.id]],
    ];
    for (const [query, ids] of cases) expect([query, await ann.ids(`/runs?${query}`)]).toEqual([query, ids]);
    expect(await ann.ids(`/sessions/${session}/runs?status=completed`)).toEqual([one.id]);
  });

  it('stops finding metadata that a change has removed', async () => {
    const run = await ann.made('/runs', { metadata: { team: 'red' } });
    await ann.patch(`/runs/${run.id}`, { metadata: { team: null, other: 'x' } });
    expect(await ann.ids('/runs?metadata.team=red')).toEqual([]);
    expect(await ann.ids('/runs?metadata.other=x')).toEqual([run.id]);
  });

  it('takes metadata too long to be searched for, and goes on', async () => {
    const long = Array.from({ length: 500 }, (_, n) =>
      String.fromCodePoint(0x4e00 + ((n * 7919) % 20_000)),
    ).join('');
    const run = await ann.made('/runs', { metadata: { [long]: `${long}!`, short: 'yes' } });
    expect(await ann.ids('/runs?metadata.short=yes')).toEqual([run.id]);
  });

  it('shows users their own alone, and projects theirs alone', async () => {
    const bob = await project.caller('user');
    const stranger = await (await newProject(server)).caller('admin');
    // What ann sees is waited for up to her own run alone: bob's comes first.
    await bob.made('/runs', { metadata: { team: 'red' } });
    const mine = await ann.made('/runs', { metadata: { team: 'red' } });
    expect(await ann.ids('/runs')).toEqual([mine.id]);
    expect(await ann.ids('/runs?metadata.team=red')).toEqual([mine.id]);
    expect(await stranger.ids('/runs')).toEqual([]);
    expect(await stranger.ids('/runs?metadata.team=red')).toEqual([]);
    const refused = [
      await bob.get(`/runs/${mine.id}`),
      await bob.patch(`/runs/${mine.id}`, { status: 'running' }),
      await bob.post(`/runs/${mine.id}/cancel`),
      await stranger.get(`/runs/${mine.id}`),
    ];
    expect(codes(refused)).toEqual(refused.map(() => [404, 'not_found']));
    expect((await (await project.caller('operator')).get(`/runs/${mine.id}`)).status).toBe(200);
  });

  it.each(['asc', 'desc'])('pages through everything once, %s', async (order) => {
    const made: string[] = [];
    for (let n = 0; n < 10; n++) {
      made.push((await runThatIs(n % 2 === 0 ? 'pending' : 'cancelled', { metadata: { k: 'v' } })).id);
    }
    const wanted = order === 'asc' ? made : made.reverse();
    for (const query of ['', '&metadata.k=v', '&status=pending,cancelled', '&kind=job']) {
      expect(await ann.allIds(`/runs?order=${order}${query}`, 3)).toEqual(wanted);
    }
  });
});

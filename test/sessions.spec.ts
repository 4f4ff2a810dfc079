import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Api, type Body, dataOf, newProject } from './support/api.js';
import { type Server, startServer } from './support/server.js';

let server: Server;
let project: Awaited<ReturnType<typeof newProject>>;
let ann: Api;
let operator: Api;
let annId: string;

beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server.stop();
});
beforeEach(async () => {
  project = await newProject(server);
  annId = randomUUID();
  ann = await project.caller('user', annId);
  operator = await project.caller('operator');
});

const codes = (replies: readonly { status: number; body: Body }[]) =>
  replies.map(({ status, body }) => [status, body['code']]);

describe('creating a session', () => {
  it('answers 201 with the session, its place and its ETag', async () => {
    const reply = await ann.post('/sessions', { title: 'A talk', tags: ['x', 'y'], metadata: { a: 1 } });
    expect(reply.status).toBe(201);
    expect(reply.body).toMatchObject({
      project_id: project.id,
      user_id: annId,
      resolved_owner_user_id: annId,
      external_id: null,
      title: 'A talk',
      tags: ['x', 'y'],
      metadata: { a: 1 },
      status: 'started',
      is_pinned: false,
      revision: 1,
      run_counts: { pending: 0, running: 0, completed: 0, failed: 0, cancelled: 0 },
    });
    expect(reply.headers.get('location')).toBe(`/v1/sessions/${String(reply.body['id'])}`);
    expect(reply.headers.get('etag')).toMatch(/^"1\./);
    expect(reply.headers.get('consistency-token')).toMatch(/^ct1\./);
    expect((await ann.get(`/sessions/${String(reply.body['id'])}`)).body).toEqual(reply.body);
  });

  it('keeps all of the agent set-up as it was sent', async () => {
    const setup = {
      locale: 'de-CH',
      harness_id: 'h',
      agent_id: 'a',
      agent_version_id: 'v',
      agent_identity_id: 'i',
      model_id: 'm',
      capabilities: ['read', { write: true }],
      tools: [{ name: 't' }],
      mcp_servers: { one: { url: 'u' } },
      system_prompt: 'Be brief. \u{1f600}',
      initial_files: [{ path: 'a.txt', content: 'aGk=', encoding: 'base64', is_readonly: true }],
      hints: { speed: 1 },
      network_access: { allowed: ['a.example'], blocked: [] },
      max_iterations: 7,
      blueprint_id: 'b',
      blueprint_config: [1, null, 'x'],
    };
    const made = await ann.made('/sessions', setup);
    expect((await ann.get(`/sessions/${made.id}`)).body).toMatchObject(setup);
  });

  it('answers 200 with the session that has the external id already', async () => {
    const first = await ann.post('/sessions', { external_id: 'mine', title: 'one' });
    const again = await ann.post('/sessions', { external_id: 'mine', title: 'two', alias: 'main' });
    expect([first.status, again.status]).toEqual([201, 200]);
    expect(again.body).toEqual(first.body);
    expect((await ann.post('/sessions/resolve', { alias: 'main' })).body['resolution']).toBe('created');
  });

  it('refuses the external id of another user, and of a deleted session', async () => {
    const made = await ann.made('/sessions', { external_id: 'mine' });
    const bob = await project.caller('user');
    const taken = await bob.post('/sessions', { external_id: 'mine' });
    await ann.delete(`/sessions/${made.id}`);
    const gone = await ann.post('/sessions', { external_id: 'mine' });
    expect(codes([taken, gone])).toEqual([
      [409, 'external_id_taken'],
      [409, 'session_deleted'],
    ]);
  });

  it('lets projects use the same external id', async () => {
    const made = await ann.made('/sessions', { external_id: 'mine' });
    const other = await (await newProject(server)).caller('user');
    expect((await other.post('/sessions', { external_id: 'mine' })).status).toBe(201);
    expect((await other.get(`/sessions/${made.id}`)).status).toBe(404);
  });

  it('makes one session of a hundred requests with the same external id at once', async () => {
    const replies = await Promise.all(
      Array.from({ length: 100 }, () => ann.post('/sessions', { external_id: 'race' })),
    );
    expect(replies.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(new Set(replies.map(({ body }) => body['id'])).size).toBe(1);
    expect(await ann.ids('/sessions?external_id=race')).toHaveLength(1);
  });

  it('takes a parent, and refuses one that is unknown or foreign', async () => {
    const parent = await ann.made('/sessions');
    const foreign = await (await newProject(server)).caller('user');
    const child = await ann.made('/sessions', { parent_session_id: parent.id });
    expect(child['parent_session_id']).toBe(parent.id);
    const unknown = await ann.post('/sessions', { parent_session_id: randomUUID() });
    const theirs = await foreign.post('/sessions', { parent_session_id: parent.id });
    expect(codes([unknown, theirs])).toEqual([
      [422, 'unknown_reference'],
      [422, 'unknown_reference'],
    ]);
    expect(unknown.body['errors']).toMatchObject([{ pointer: '/parent_session_id' }]);
  });

  it('lets only those who see all users name another user', async () => {
    const worker = await project.caller('worker');
    expect(await worker.made('/sessions', { user_id: annId })).toMatchObject({ user_id: annId });
    const bob = await project.caller('user');
    const viewer = await project.caller('viewer');
    expect(codes([await bob.post('/sessions', { user_id: annId }), await viewer.post('/sessions')])).toEqual([
      [403, 'forbidden'],
      [403, 'forbidden'],
    ]);
  });

  it('replays the answer to an Idempotency-Key, and refuses it for another body', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const first = await ann.post('/sessions', { title: 'once' }, headers);
    const again = await ann.post('/sessions', { title: 'once' }, headers);
    const other = await ann.post('/sessions', { title: 'twice' }, headers);
    expect(again.body).toEqual(first.body);
    expect(again.status).toBe(201);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(codes([other])).toEqual([[422, 'idempotency_key_reused']]);
    expect(await ann.ids('/sessions')).toHaveLength(1);
  });
});

describe('an alias', () => {
  it("of another user's session stays there, and nothing is made or changed; a worker moves it", async () => {
    const { id } = await ann.made('/sessions', { alias: 'main' });
    const bob = await project.caller('user');
    const own = await bob.made('/sessions', { title: 'mine' });
    const refused = [
      await bob.post('/sessions', { alias: 'main' }),
      await bob.post(`/sessions/${own.id}/sessions`, { alias: 'main', subagent: { name: 'Eve' } }),
      await bob.patch(`/sessions/${own.id}`, { alias: 'main', title: 'yours' }),
      await bob.post('/sessions/resolve', { session_id: own.id, alias: 'main' }),
      await bob.post('/sessions/resolve', { fork_from: own.id, alias: 'main' }),
    ];
    expect(refused.map(({ body }) => body['code'])).toEqual(Array(5).fill('alias_taken'));
    expect((await bob.get(`/sessions/${own.id}`)).body).toMatchObject({ title: 'mine', alias: null });
    // The list waits for what bob has made: all that was refused came before.
    const eve = await bob.made(`/sessions/${own.id}/sessions`, { subagent: { name: 'Eve' } });
    expect(await bob.ids('/sessions?include_empty=true')).toEqual([eve.id, own.id]);
    expect((await ann.get(`/sessions/${id}`)).body).toMatchObject({ alias: 'main', revision: 2 });

    const worker = await project.caller('worker');
    expect((await worker.patch(`/sessions/${own.id}`, { alias: 'main' })).body['alias']).toBe('main');
    expect((await worker.get(`/sessions/${id}`)).body['alias']).toBeNull();
    expect((await ann.post('/sessions', { alias: 'main' })).body['code']).toBe('alias_taken');
  });

  it('names one session, and moves to the one that asks for it', async () => {
    const first = await ann.made('/sessions', { alias: 'main' });
    const second = await ann.made('/sessions', { alias: 'main' });
    expect(second['alias']).toBe('main');
    expect((await ann.get(`/sessions/${first.id}`)).body['alias']).toBeNull();
    expect(await ann.ids('/sessions?alias=main')).toEqual([second.id]);
    await ann.patch(`/sessions/${first.id}`, { alias: 'main' });
    expect(await ann.ids('/sessions?alias=main')).toEqual([first.id]);
    expect((await ann.get(`/sessions/${second.id}`)).body['alias']).toBeNull();
  });

  it('is lost at once by the session that it moves from, for readers without a token too', async () => {
    const reader = new Api(ann.url, ann.key);
    let bearer = await ann.made('/sessions', { alias: 'main' });
    for (let round = 0; round < 20; round++) {
      const next = await ann.made('/sessions', { alias: 'main' });
      expect((await reader.get(`/sessions/${bearer.id}`)).body['alias']).toBeNull();
      bearer = next;
    }
  });

  it('is given back by null, and by deletion', async () => {
    const made = await ann.made('/sessions', { alias: 'main' });
    expect((await ann.patch(`/sessions/${made.id}`, { alias: null })).body['alias']).toBeNull();
    expect(await ann.ids('/sessions?alias=main')).toEqual([]);
    await ann.patch(`/sessions/${made.id}`, { alias: 'main' });
    await ann.delete(`/sessions/${made.id}`);
    const next = await ann.made('/sessions', { alias: 'main' });
    expect(await ann.ids('/sessions?alias=main')).toEqual([next.id]);
  });

  it('may be a thousand characters of any script', async () => {
    const alias = Array.from({ length: 1_000 }, (_, n) => String.fromCodePoint(0x20000 + n * 37)).join('');
    const made = await ann.made('/sessions', { alias });
    expect(await ann.ids(`/sessions?alias=${encodeURIComponent(alias)}`)).toEqual([made.id]);
  });
});

describe('sub-sessions', () => {
  const sub = (name: string) => ({ subagent: { name } });

  it('are made and listed under their parent', async () => {
    const parent = await ann.made('/sessions');
    const made = await ann.made(`/sessions/${parent.id}/sessions`, sub('Ann'));
    expect(made).toMatchObject({
      parent_session_id: parent.id,
      subagent: { name: 'Ann', task: null, status: 'spawning' },
    });
    expect(await ann.ids(`/sessions/${parent.id}/sessions`)).toEqual([made.id]);
    expect(await ann.ids(`/sessions?parent_session_id=${parent.id}`)).toEqual([made.id]);
  });

  it('have names that are unique under one parent, whatever their case, until they are deleted', async () => {
    const [parent, other] = [await ann.made('/sessions'), await ann.made('/sessions')];
    const path = `/sessions/${parent.id}/sessions`;
    const first = await ann.made(path, sub('Ann'));
    expect(codes([await ann.post(path, sub('aNN'))])).toEqual([[409, 'subagent_name_taken']]);
    expect((await ann.post(`/sessions/${other.id}/sessions`, sub('ann'))).status).toBe(201);
    await ann.delete(`/sessions/${first.id}`);
    expect((await ann.post(path, sub('ANN'))).status).toBe(201);
  });

  it('give a name back when they take another, and keep it when the change is refused', async () => {
    const parent = await ann.made('/sessions');
    const path = `/sessions/${parent.id}/sessions`;
    const made = await ann.made(path, sub('Ann'));
    const stale = await ann.patch(`/sessions/${made.id}`, sub('Eve'), { 'if-match': '"9"' });
    const kept = await ann.post(path, sub('Ann'));
    expect(codes([stale, kept])).toEqual([
      [412, 'revision_mismatch'],
      [409, 'subagent_name_taken'],
    ]);
    expect((await ann.post(path, sub('Eve'))).status).toBe(201);
    expect((await ann.patch(`/sessions/${made.id}`, sub('Bea'))).status).toBe(200);
    expect((await ann.post(path, sub('Ann'))).status).toBe(201);
  });

  it('change by what is named of them, and give their name back when they are sub-agents no more', async () => {
    const parent = await ann.made('/sessions');
    const path = `/sessions/${parent.id}/sessions`;
    const { id } = await ann.made(path, { subagent: { name: 'Ann', task: 'look' } });
    const done = await ann.patch(`/sessions/${id}`, { subagent: { status: 'completed' } });
    expect(done.body['subagent']).toEqual({ name: 'Ann', task: 'look', status: 'completed' });
    const nameless = await ann.patch(`/sessions/${parent.id}`, { subagent: { status: 'completed' } });
    expect(nameless.body).toMatchObject({ status: 400, errors: [{ pointer: '/subagent/name' }] });
    const gone = await ann.patch(`/sessions/${id}`, { subagent: null });
    expect([gone.status, gone.body['subagent'], gone.body['revision']]).toEqual([200, null, 3]);
    expect((await ann.post(path, sub('ann'))).status).toBe(201);
  });

  it('are not there under a parent that is unknown, foreign or deleted', async () => {
    const parent = await ann.made('/sessions');
    const bob = await project.caller('user');
    const foreign = await bob.post(`/sessions/${parent.id}/sessions`);
    const unknown = await ann.get(`/sessions/${randomUUID()}/sessions`);
    await ann.delete(`/sessions/${parent.id}`);
    const deleted = await ann.post(`/sessions/${parent.id}/sessions`);
    expect(codes([foreign, unknown, deleted])).toEqual([
      [404, 'not_found'],
      [404, 'not_found'],
      [410, 'session_deleted'],
    ]);
  });
});

describe('reading and changing a session', () => {
  it('answers 304 while nothing that is shown has changed', async () => {
    const { body, headers } = await ann.post('/sessions', { title: 'one' });
    const path = `/sessions/${String(body['id'])}`;
    const etag = String(headers.get('etag'));
    const same = await ann.call('GET', path, undefined, { 'if-none-match': etag });
    expect([same.status, same.body]).toEqual([304, {}]);
    await ann.made(`${path}/runs`);
    expect((await ann.get(path, { 'if-none-match': etag })).status).toBe(200);
  });

  it('merges metadata one level deep, null removes a key, and lists and texts are replaced', async () => {
    const { id } = await ann.made('/sessions', { tags: ['a'], metadata: { a: { x: 1 }, b: 2, c: 3 } });
    const change = { title: 'two', tags: ['b', 'c'], metadata: { a: { y: 2 }, b: null } };
    const { status, body } = await ann.patch(`/sessions/${id}`, change);
    expect([status, body]).toMatchObject([
      200,
      { title: 'two', tags: ['b', 'c'], metadata: { a: { y: 2 }, c: 3 }, revision: 2 },
    ]);
    expect((await ann.get(`/sessions/${id}`)).body).toEqual(body);
  });

  it('takes no change of metadata, as runs and mounts do not either, that makes it larger than it may be', async () => {
    const { id } = await ann.made('/sessions', { metadata: { a: 'x'.repeat(40_000) } });
    const mount = { slug: 'notes', uri: 'file:///notes', metadata: { a: 'x'.repeat(40_000) } };
    const mounted = await ann.made(`/sessions/${id}/mounts`, mount);
    const run = await ann.made('/runs', { metadata: { a: 'x'.repeat(40_000) } });
    for (const path of [`/sessions/${id}`, `/runs/${run.id}`, `/mounts/${mounted.id}`]) {
      const grown = await ann.patch(path, { metadata: { b: 'x'.repeat(40_000) } });
      expect([grown.status, grown.body['code']]).toEqual([400, 'validation_failed']);
      expect(grown.body['errors']).toMatchObject([{ pointer: '/metadata' }]);
      const swapped = await ann.patch(path, { metadata: { a: null, b: 'x'.repeat(65_000) } });
      expect(Object.keys(swapped.body['metadata'] as object)).toEqual(['b']);
    }
  });

  it('keeps its revision when nothing changes', async () => {
    const { id } = await ann.made('/sessions', { title: 'one', metadata: { a: 1 } });
    const { status, body } = await ann.patch(`/sessions/${id}`, {
      title: 'one',
      metadata: { a: 1, b: null },
    });
    expect([status, body['revision']]).toEqual([200, 1]);
  });

  it('compares If-Match with the revision alone', async () => {
    const { body, headers } = await ann.post('/sessions', { title: 'one' });
    const path = `/sessions/${String(body['id'])}`;
    await ann.made(`${path}/runs`);
    const taken = await ann.patch(path, { title: 'two' }, { 'if-match': String(headers.get('etag')) });
    const stale = await ann.patch(path, { title: 'three' }, { 'if-match': '"1"' });
    const staleEnd = await ann.delete(path, { 'if-match': '"1"' });
    const plain = await ann.patch(path, { title: 'three' }, { 'if-match': '"2"' });
    expect([taken.status, stale.status, staleEnd.status, plain.status]).toEqual([200, 412, 412, 200]);
    expect(stale.body['code']).toBe('revision_mismatch');
  });

  it('lets one of many changes of the same revision win', async () => {
    const { id } = await ann.made('/sessions');
    const replies = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        ann.patch(`/sessions/${id}`, { title: `t${n}` }, { 'if-match': '"1"' }),
      ),
    );
    expect(replies.map(({ status }) => status).sort()).toEqual([200, ...Array<number>(19).fill(412)]);
  });
});

describe('deleting a session', () => {
  it('answers 204, then 410, cancels its active runs and keeps them readable', async () => {
    const { id } = await ann.made('/sessions');
    const pending = await ann.made(`/sessions/${id}/runs`);
    const running = await ann.made(`/sessions/${id}/runs`, { on_active_run: 'allow' });
    const done = await ann.made(`/sessions/${id}/runs`, { on_active_run: 'allow' });
    const child = await ann.made('/runs', { parent_run_id: running.id });
    await ann.patch(`/runs/${running.id}`, { status: 'running' });
    await ann.patch(`/runs/${done.id}`, { status: 'running' });
    await ann.patch(`/runs/${done.id}`, { status: 'completed' });
    const gone = await ann.delete(`/sessions/${id}`);
    expect([gone.status, gone.body]).toEqual([204, {}]);
    const after = [
      await ann.get(`/sessions/${id}`),
      await ann.patch(`/sessions/${id}`, { title: 'x' }),
      await ann.delete(`/sessions/${id}`),
      await ann.get(`/sessions/${id}/runs`),
      await ann.post(`/sessions/${id}/runs`),
    ];
    expect(codes(after)).toEqual(after.map(() => [410, 'session_deleted']));
    const statuses = await Promise.all(
      [pending, running, done, child].map(async (run) => (await ann.get(`/runs/${run.id}`)).body['status']),
    );
    expect(statuses).toEqual(['cancelled', 'cancelled', 'completed', 'cancelled']);
    expect(await ann.ids('/sessions')).toEqual([]);
    expect(await ann.ids(`/runs?session_id=${id}`)).toHaveLength(3);
  });
});

describe('the status and figures of a session', () => {
  it('follow from its runs', async () => {
    const { id } = await ann.made('/sessions');
    const shown = async () => (await ann.get(`/sessions/${id}`)).body;
    const run = await ann.made(`/sessions/${id}/runs`);
    expect(await shown()).toMatchObject({ status: 'started', run_counts: { pending: 1 }, started_at: null });
    const usage = { input_tokens: 4_294_967_297, output_tokens: 3, cost_usd: 0.1 };
    const started = await ann.patch(`/runs/${run.id}`, { status: 'running', usage });
    expect(await shown()).toMatchObject({
      status: 'active',
      started_at: started.body['started_at'],
      finished_at: null,
    });
    const ended = await ann.patch(`/runs/${run.id}`, {
      status: 'completed',
      usage: { ...usage, output_tokens: 5 },
    });
    expect(await shown()).toMatchObject({ finished_at: ended.body['ended_at'] });
    const second = await ann.made(`/sessions/${id}/runs`);
    expect(await shown()).toMatchObject({ status: 'idle', finished_at: null });
    await ann.patch(`/runs/${second.id}`, { usage: { cost_usd: 0.2 } });
    await ann.post(`/runs/${second.id}/cancel`);
    expect(await shown()).toMatchObject({
      status: 'idle',
      run_counts: { pending: 0, running: 0, completed: 1, failed: 0, cancelled: 1 },
      usage: { input_tokens: 4_294_967_297, output_tokens: 5, cost_usd: 0.3 },
      revision: 1,
    });
    expect(Date.parse(String((await shown())['finished_at']))).toBeGreaterThanOrEqual(
      Date.parse(String(ended.body['ended_at'])),
    );
  });
});

describe('listing sessions', () => {
  it('filters by every field, and by several at once', async () => {
    const bob = await project.caller('user');
    const parent = await ann.made('/sessions', { title: 'Parent', tags: ['red'] });
    const one = await ann.made('/sessions', {
      title: 'Über den Wolken',
      tags: ['red', 'big'],
      alias: 'clouds',
      external_id: 'ext-1',
      parent_session_id: parent.id,
    });
    const two = await ann.made('/sessions', { title: 'Other', tags: ['big'] });
    const theirs = await bob.made('/sessions', { tags: ['red'] });
    const run = await ann.made(`/sessions/${one.id}/runs`);
    await ann.patch(`/runs/${run.id}`, { status: 'running' });
    const last = await ann.patch(`/sessions/${two.id}`, { title: 'Another' });
    const token = { 'consistency-token': String(last.headers.get('consistency-token')) };
    const times = `created_after=${String(parent['created_at'])}&created_before=${String(two['created_at'])}`;
    const cases: [string, string[]][] = [
      ['', [theirs.id, two.id, one.id, parent.id]],
      ['order=asc', [parent.id, one.id, two.id, theirs.id]],
      ['status=active', [one.id]],
      ['status=active,active', [one.id]],
      ['status=started,active,idle,paused,waiting_for_tool_results', [theirs.id, two.id, one.id, parent.id]],
      ['tag=red', [theirs.id, one.id, parent.id]],
      ['tag=red&tag=big', [one.id]],
      ['tag=red&status=started&order=asc', [parent.id, theirs.id]],
      ['tag=none', []],
      ['alias=clouds', [one.id]],
      ['external_id=ext-1', [one.id]],
      [`parent_session_id=${parent.id}`, [one.id]],
      [`user_id=${annId}&status=started`, [two.id, parent.id]],
      ['q=WOLKEN', [one.id]],
      [`q=${encodeURIComponent('über')}&tag=big`, [one.id]],
      ['q=%25', []],
      ['archived=true', []],
      ['archived=any&q=another', [two.id]],
      ['include_empty=true&status=started', [theirs.id, two.id, parent.id]],
      [`created_before=${String(parent['created_at'])}`, []],
      [`user_id=${annId}&tag=big&status=active&alias=clouds&q=wolken&include_empty=true`, [one.id]],
    ];
    for (const [query, ids] of cases) {
      const reply = await operator.get(`/sessions?${query}`, token);
      expect([query, dataOf(reply).map(({ id }) => id)]).toEqual([query, ids]);
    }
    const between = dataOf(await operator.get(`/sessions?${times}`, token)).map(({ id }) => id);
    expect(between.every((id) => id === one.id)).toBe(true);
  });

  it('shows users their own alone, and projects theirs alone', async () => {
    const bob = await project.caller('user');
    const stranger = await (await newProject(server)).caller('admin');
    const tags = { tags: ['t'] };
    const theirs = await bob.made('/sessions', tags);
    const mine = await ann.made('/sessions', tags);
    expect(await ann.ids('/sessions')).toEqual([mine.id]);
    expect(await ann.ids('/sessions?tag=t')).toEqual([mine.id]);
    expect(await ann.ids(`/sessions?user_id=${String(theirs['user_id'])}`)).toEqual([]);
    expect(await stranger.ids('/sessions')).toEqual([]);
    expect(await stranger.ids('/sessions?tag=t')).toEqual([]);
    expect(
      codes([
        await bob.get(`/sessions/${mine.id}`),
        await bob.patch(`/sessions/${mine.id}`, { title: 'x' }),
        await bob.delete(`/sessions/${mine.id}`),
        await stranger.get(`/sessions/${mine.id}`),
      ]),
    ).toEqual(Array(4).fill([404, 'not_found']));
    expect((await operator.get(`/sessions/${mine.id}`)).status).toBe(200);
    expect((await (await project.caller('auditor')).get(`/sessions/${mine.id}`)).status).toBe(200);
    expect((await (await project.caller('viewer', annId)).get(`/sessions/${mine.id}`)).status).toBe(200);
  });

  it.each(['asc', 'desc'])('pages through everything once, %s', async (order) => {
    const made: string[] = [];
    for (let n = 0; n < 11; n++) made.push((await ann.made('/sessions', { tags: ['t'] })).id);
    const wanted = order === 'asc' ? made : made.reverse();
    for (const query of ['', '&tag=t', '&status=started', '&include_empty=true']) {
      expect(await ann.allIds(`/sessions?order=${order}${query}`, 3)).toEqual(wanted);
    }
    expect(await ann.allIds(`/sessions?order=${order}`, 11)).toEqual(wanted);
  });

  it('takes a cursor with its own filters only', async () => {
    for (let n = 0; n < 3; n++) await ann.made('/sessions', { tags: ['t'] });
    const { body } = await ann.get('/sessions?tag=t&limit=1');
    const cursor = encodeURIComponent(String(body['next_cursor']));
    expect((await ann.get(`/sessions?tag=t&limit=2&cursor=${cursor}`)).status).toBe(200);
    expect(
      codes([
        await ann.get(`/sessions?tag=u&cursor=${cursor}`),
        await ann.get(`/sessions?tag=t&order=asc&cursor=${cursor}`),
        await ann.get(`/runs?cursor=${cursor}`),
      ]),
    ).toEqual(Array(3).fill([400, 'invalid_cursor']));
  });
});

describe('text that is no good Unicode', () => {
  it('is kept as sent, and keeps nobody else from reading', async () => {
    const made = await ann.post(
      '/sessions',
      '{"title":"\\ud800","tags":["\\ud800","\\ud801"],"alias":"\\udfff"}',
    );
    const run = await ann.post(
      '/runs',
      '{"metadata":{"\\ud800":"1","\\ud801":"\\udc00"},"source":"\\ud800"}',
    );
    expect([made.status, run.status]).toEqual([201, 201]);
    expect(dataOf(await ann.get('/sessions'))[0]).toMatchObject({
      title: '\ud800',
      tags: ['\ud800', '\ud801'],
    });
    expect(dataOf(await ann.get('/runs'))[0]).toMatchObject({
      metadata: { '\ud800': '1', '\ud801': '\udc00' },
    });
  });
});

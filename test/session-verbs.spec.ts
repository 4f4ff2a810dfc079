import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Api, dataOf, newProject, type Reply } from './support/api.js';
import { type Server, startServer } from './support/server.js';

let server: Server;
let project: Awaited<ReturnType<typeof newProject>>;
let ann: Api;
let annId: string;
let worker: Api;

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
  worker = await project.caller('worker');
});

const idOf = ({ body }: Reply): string => (body['session'] as { id: string }).id;
const aRun = async (session: string): Promise<string> => {
  const { id } = await ann.made(`/sessions/${session}/runs`);
  await worker.patch(`/runs/${id}`, { status: 'running' });
  return id;
};
const say = (run: string, type: string, data: object): Promise<Reply> =>
  worker.post(`/runs/${run}/events`, { events: [{ type, data }] });

describe('archiving', () => {
  it('hides a session from lists that do not ask for it, and takes nothing else away', async () => {
    const { id } = await ann.made('/sessions', { title: 'old' });
    const other = await ann.made('/sessions', { title: 'new' });
    const run = await aRun(id);
    const archived = await ann.post(`/sessions/${id}/archive`);
    expect([archived.status, archived.body['revision']]).toEqual([200, 2]);
    expect(archived.body['archived_at']).toMatch(/Z$/);
    expect(await ann.ids('/sessions')).toEqual([other.id]);
    expect(await ann.ids('/sessions?archived=true')).toEqual([id]);
    expect(await ann.ids('/sessions?archived=any')).toEqual([other.id, id]);
    expect((await ann.get(`/runs/${run}`)).body['status']).toBe('running');
    expect((await ann.get(`/sessions/${id}`)).body['archived_at']).toBe(archived.body['archived_at']);
  });

  it('is reversible, changes nothing a second time, and stands in the feed', async () => {
    const { id } = await ann.made('/sessions');
    const first = await ann.post(`/sessions/${id}/archive`);
    expect((await ann.post(`/sessions/${id}/archive`)).body).toEqual(first.body);
    const back = await ann.post(`/sessions/${id}/unarchive`);
    expect(back.body).toMatchObject({ archived_at: null, revision: 3 });
    expect((await ann.post(`/sessions/${id}/unarchive`)).body).toEqual(back.body);
    const types = dataOf(await ann.get(`/sessions/${id}/events`)).map(({ type }) => type);
    expect(types).toEqual(['session.created', 'session.archived', 'session.unarchived']);
  });

  it('is for those who may change the session, at the revision they know', async () => {
    const { id } = await ann.made('/sessions');
    const viewer = await project.caller('viewer', annId);
    const stranger = await project.caller('user');
    expect((await viewer.post(`/sessions/${id}/archive`)).status).toBe(403);
    expect((await stranger.post(`/sessions/${id}/archive`)).status).toBe(404);
    expect((await ann.post(`/sessions/${id}/archive`, {}, { 'if-match': '"7"' })).status).toBe(412);
    await ann.delete(`/sessions/${id}`);
    expect((await ann.post(`/sessions/${id}/archive`)).status).toBe(410);
  });
});

describe('a pin', () => {
  it("is the caller's own, and changes the ETag but not the revision", async () => {
    const { id } = await ann.made('/sessions');
    const before = await ann.get(`/sessions/${id}`);
    expect((await ann.call('PUT', `/sessions/${id}/pin`)).status).toBe(204);
    expect((await ann.call('PUT', `/sessions/${id}/pin`)).status).toBe(204);
    const pinned = await ann.get(`/sessions/${id}`);
    expect(pinned.body).toEqual({ ...before.body, is_pinned: true });
    expect(pinned.headers.get('etag')).not.toBe(before.headers.get('etag'));
    expect((await worker.get(`/sessions/${id}`)).body['is_pinned']).toBe(false);
    expect(dataOf(await ann.get('/sessions')).map(({ is_pinned }) => is_pinned)).toEqual([true]);
    expect((await ann.delete(`/sessions/${id}/pin`)).status).toBe(204);
    expect((await ann.get(`/sessions/${id}`)).body).toEqual(before.body);
  });

  it('needs a session that the caller sees', async () => {
    const { id } = await ann.made('/sessions');
    expect((await (await project.caller('user')).call('PUT', `/sessions/${id}/pin`)).status).toBe(404);
  });
});

describe('resolving', () => {
  const resolve = (body: object, caller = ann): Promise<Reply> => caller.post('/sessions/resolve', body);

  it('finds by id, then by alias, then makes a session', async () => {
    const made = await resolve({});
    expect([made.status, made.body['resolution']]).toEqual([201, 'created']);
    const id = idOf(made);
    expect(made.headers.get('location')).toBe(`/v1/sessions/${id}`);
    const byId = await resolve({ session_id: id });
    expect(byId.headers.get('location')).toBeNull();
    expect([byId.status, byId.body]).toEqual([
      200,
      { session: made.body['session'], resolution: 'session_id' },
    ]);
    const named = await resolve({ alias: 'main' });
    expect([named.status, named.body['resolution'], idOf(named) === id]).toEqual([201, 'created', false]);
    const again = await resolve({ alias: 'main' });
    expect([again.status, again.body['resolution'], idOf(again)]).toEqual([200, 'alias', idOf(named)]);
    expect(again.body['session']).toMatchObject({ alias: 'main', user_id: annId });
  });

  it('binds the alias to what was found by id, and to no other any more', async () => {
    const [first, second] = [await ann.made('/sessions', { alias: 'main' }), await ann.made('/sessions')];
    const found = await resolve({ session_id: second.id, alias: 'main' });
    expect(found.body).toMatchObject({ session: { id: second.id, alias: 'main' }, resolution: 'session_id' });
    expect((await ann.get(`/sessions/${first.id}`)).body['alias']).toBeNull();
    expect(idOf(await resolve({ alias: 'main' }))).toBe(second.id);
  });

  it('knows no id that is unknown, foreign or deleted, and makes nothing then', async () => {
    const gone = await ann.made('/sessions');
    await ann.delete(`/sessions/${gone.id}`);
    const foreign = (await project.caller('user')).made('/sessions');
    const replies = [
      await resolve({ session_id: randomUUID(), alias: 'main' }),
      await resolve({ session_id: (await foreign).id, alias: 'main' }),
      await resolve({ session_id: gone.id, alias: 'main' }),
    ];
    expect(replies.map(({ status }) => status)).toEqual([404, 404, 410]);
    // The list waits for what ann has made: all that was refused came before.
    const own = await ann.made('/sessions');
    expect(await ann.ids('/sessions')).toEqual([own.id]);
  });

  it('makes a new session when the one with the alias was deleted', async () => {
    const old = idOf(await resolve({ alias: 'main' }));
    await ann.delete(`/sessions/${old}`);
    const next = await resolve({ alias: 'main' });
    expect([next.status, idOf(next) === old]).toEqual([201, false]);
  });

  it("does not see another user's alias", async () => {
    await resolve({ alias: 'main' });
    const bob = await project.caller('user');
    const foreign = await resolve({ alias: 'main' }, bob);
    expect([foreign.status, foreign.body['code']]).toEqual([409, 'alias_taken']);
    expect((await resolve({ fork_from: 'main' }, bob)).status).toBe(404);
    const own = await bob.made('/sessions');
    expect(await bob.ids('/sessions')).toEqual([own.id]);
    expect((await resolve({ alias: 'main' }, worker)).body['resolution']).toBe('alias');
  });

  it('makes one session of a hundred that ask for one new alias at once', async () => {
    const replies = await Promise.all(Array.from({ length: 100 }, () => resolve({ alias: 'new' })));
    expect(new Set(replies.map(idOf)).size).toBe(1);
    expect(replies.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(99);
    expect(await ann.ids('/sessions')).toHaveLength(1);
    expect(new Set(replies.map(({ body }) => (body['session'] as { alias: string }).alias))).toEqual(
      new Set(['new']),
    );
  });
});

describe('a summary', () => {
  const summary = async (id: string) => (await ann.get(`/sessions/${id}/summary`)).body;

  it('is there for a session in which nothing has happened', async () => {
    const { id, created_at } = await ann.made('/sessions');
    expect(await summary(id)).toEqual({
      session_id: id,
      title: `Session ${id.slice(0, 8)}`,
      created_at,
      status: 'idle',
      done_reason: null,
      running: false,
      context: {},
      archived: false,
    });
  });

  it('follows the last run, the first text, the last context', async () => {
    const { id } = await ann.made('/sessions');
    const run = await aRun(id);
    await say(run, 'context', { page: 1 });
    await say(run, 'user', { text: 'What is the weather?' });
    await say(run, 'context', { page: 2 });
    expect(await summary(id)).toMatchObject({
      title: 'What is the weather?',
      status: 'running',
      running: true,
      context: { page: 2 },
    });
    await worker.patch(`/runs/${run}`, { status: 'completed', done_reason: 'answered' });
    expect(await summary(id)).toMatchObject({ status: 'completed', done_reason: 'answered', running: false });
    await worker.patch(`/runs/${await aRun(id)}`, { status: 'failed' });
    await ann.patch(`/sessions/${id}`, { title: 'Weather' });
    await ann.post(`/sessions/${id}/archive`);
    expect(await summary(id)).toMatchObject({
      title: 'Weather',
      status: 'incomplete',
      done_reason: null,
      archived: true,
    });
  });
});

describe('commands', () => {
  const command = (id: string, text: string): Promise<Reply> =>
    ann.post(`/sessions/${id}/commands`, { text });

  it('/status answers with the summary', async () => {
    const { id } = await ann.made('/sessions');
    const reply = await command(id, ' /status ');
    expect([reply.status, reply.body]).toEqual([200, (await ann.get(`/sessions/${id}/summary`)).body]);
  });

  it('/terminate cancels the run that holds the session, and is no_op when there is none', async () => {
    const { id } = await ann.made('/sessions');
    const run = await aRun(id);
    const reply = await command(id, '/terminate');
    expect([reply.status, reply.body]).toEqual([202, { status: 'cancelled', run_id: run }]);
    expect((await ann.get(`/runs/${run}`)).body['status']).toBe('cancelled');
    const again = await command(id, '/terminate');
    expect([again.status, again.body]).toEqual([202, { status: 'no_op' }]);
  });

  it('/compact tells whoever follows the session', async () => {
    const { id } = await ann.made('/sessions');
    const reply = await command(id, '/compact');
    expect([reply.status, reply.body]).toEqual([202, { status: 'requested' }]);
    const events = dataOf(await ann.get(`/sessions/${id}/events`));
    expect(events.at(-1)).toMatchObject({ type: 'session.updated', data: { command: '/compact' } });
    expect((await ann.get(`/sessions/${id}`)).body['revision']).toBe(1);
  });

  it.each(['/dance', 'status', '/status now', '/Terminate'])('%s is none', async (text) => {
    const { id } = await ann.made('/sessions');
    const reply = await command(id, text);
    expect([reply.status, reply.body['code']]).toEqual([422, 'unknown_command']);
    expect(reply.body['errors']).toMatchObject([{ pointer: '/text' }]);
  });
});

describe('statistics', () => {
  it('count what the caller sees, by status', async () => {
    const sessions = [await ann.made('/sessions'), await ann.made('/sessions'), await ann.made('/sessions')];
    await aRun(sessions[0]?.id ?? '');
    await worker.patch(`/runs/${await aRun(sessions[1]?.id ?? '')}`, { status: 'completed' });
    const all = (await worker.get('/sessions/stats')).body;
    expect((await ann.get('/sessions/stats')).body).toEqual(all);
    await ann.post(`/sessions/${String(sessions[2]?.id)}/archive`);
    const counts = { started: 1, active: 1, idle: 1, waiting_for_tool_results: 0, paused: 0 };
    expect((await ann.get('/sessions/stats')).body).toEqual({ total: 3, ...counts });
    const stranger = await project.caller('user');
    expect((await stranger.get('/sessions/stats')).body['total']).toBe(0);
  });
});

describe('search', () => {
  it('finds title and preview, whatever the case, and takes every character for itself', async () => {
    const [title, preview] = [
      await ann.made('/sessions', { title: '100% Zoë_x' }),
      await ann.made('/sessions'),
    ];
    await say(await aRun(preview.id), 'user', { text: 'Where is ZOË?' });
    const found = (q: string) => worker.ids(`/sessions?q=${encodeURIComponent(q)}&order=asc`);
    await worker.patch(`/sessions/${title.id}`, { tags: ['t'] });
    expect(await found('zoË')).toEqual([title.id, preview.id]);
    expect(await found('0% z')).toEqual([title.id]);
    expect(await found('ë_X')).toEqual([title.id]);
    expect(await found('1%%')).toEqual([]);
    expect(await found('is zoë?')).toEqual([preview.id]);
    expect(await found('\\')).toEqual([]);
    expect(await found('ë')).toEqual([title.id, preview.id]);
    expect(await found('_')).toEqual([title.id]);
    await worker.patch(`/sessions/${title.id}`, { title: '発票テスト' });
    expect(await found('発票')).toEqual([title.id]);
    expect(await found('ë')).toEqual([preview.id]);
    expect(await worker.ids(`/sessions?q=${encodeURIComponent('発票')}&tag=t&status=started`)).toEqual([
      title.id,
    ]);
  });
});

describe('what is read of a session', () => {
  it('has the features of its set-up as it is then', async () => {
    const { id, features } = await ann.made('/sessions', {
      capabilities: ['plain', { features: ['file_system', 'secrets', 3] }],
      tools: [{ name: 't' }],
    });
    expect(features).toEqual(['client_tools', 'file_system', 'secrets']);
    const later = await ann.patch(`/sessions/${id}`, { tools: [], mcp_servers: { a: {} } });
    expect(later.body['features']).toEqual(['file_system', 'mcp_servers', 'secrets']);
  });

  it('names the person at the top as the owner of what a worker spawns', async () => {
    const top = await ann.made('/sessions');
    const child = await worker.made(`/sessions/${top.id}/sessions`, { subagent: { name: 'a' } });
    expect(child).toMatchObject({ user_id: annId, resolved_owner_user_id: annId });
    const user_id = randomUUID();
    const grandchild = await worker.made('/sessions', { parent_session_id: child.id, user_id });
    expect(grandchild).toMatchObject({ user_id, resolved_owner_user_id: annId });
    const last = await worker.made(`/sessions/${grandchild.id}/sessions`);
    expect(last).toMatchObject({ user_id, resolved_owner_user_id: annId });
  });

  it('is filtered by the words of older data too', async () => {
    const [active, idle, fresh] = [
      await ann.made('/sessions'),
      await ann.made('/sessions'),
      await ann.made('/sessions'),
    ];
    await aRun(active.id);
    await worker.patch(`/runs/${await aRun(idle.id)}`, { status: 'completed' });
    expect(await worker.ids('/sessions?status=running')).toEqual([active.id]);
    for (const word of ['completed', 'failed', 'pending'])
      expect(await worker.ids(`/sessions?status=${word}`)).toEqual([idle.id]);
    expect(await worker.ids('/sessions?status=started')).toEqual([fresh.id]);
    expect((await ann.get('/sessions?status=odd')).status).toBe(400);
  });
});

describe('an export', () => {
  const exported = async (id: string, caller = ann) => {
    const response = await fetch(`${server.url}/v1/sessions/${id}/export`, {
      headers: { authorization: `Bearer ${caller.key}` },
    });
    const text = await response.text();
    const lines = text.split('\n').slice(0, -1);
    return {
      status: response.status,
      type: response.headers.get('content-type'),
      lines: lines.map((line) => JSON.parse(line) as { type: string; data: Record<string, unknown> }),
    };
  };

  it('is everything that the session holds, in order, behind a manifest that counts it', async () => {
    const { id } = await ann.made('/sessions', { title: 'All of it' });
    const runs = [await aRun(id)];
    await say(runs[0] ?? '', 'user', { text: 'Hello' });
    await worker.post(`/runs/${String(runs[0])}/interactions`, { kind: 'user_input', token: 'q' });
    await ann.made(`/sessions/${id}/schedules`, { cron: '0 9 * * *', run: {}, enabled: false });
    await ann.made(`/sessions/${id}/mounts`, { slug: 'work', uri: 's3://bucket/work' });
    const state = await worker.call('PUT', `/sessions/${id}/state`, { data: { step: 3 }, sandbox_id: 'box' });
    const entries = Array.from({ length: 1_200 }, (_, n) => ({ stream: 'stdout', message: `line ${n}` }));
    await worker.post(`/runs/${String(runs[0])}/logs`, { entries: entries.slice(0, 1_000) });
    await worker.post(`/runs/${String(runs[0])}/logs`, { entries: entries.slice(1_000) });
    await worker.patch(`/runs/${String(runs[0])}`, { status: 'completed' });
    runs.push(await aRun(id));
    await ann.post(`/sessions/${id}/transcript`, {
      segments: Array.from({ length: 250 }, (_, n) => ({ role: 'user', content: n })),
    });
    await ann.post(`/runs/${String(runs[1])}/transcript`, { segments: [{ role: 'user', content: 'own' }] });
    const feed = dataOf(await ann.get(`/sessions/${id}/events`));
    const shown = (await ann.get(`/sessions/${id}`)).body;
    // The message of the first run is added to the transcript by a policy, at its time.
    let found = await exported(id);
    while (found.lines.filter(({ type }) => type === 'segment').length < 252) found = await exported(id);
    const [manifest, session, ...rest] = found.lines;
    expect([found.status, found.type]).toEqual([200, 'application/x-ndjson; charset=utf-8']);
    expect(manifest).toMatchObject({
      type: 'manifest',
      data: {
        format: 'runledger.session',
        version: 1,
        session_id: id,
        counts: {
          states: 1,
          runs: 2,
          events: feed.length,
          segments: 252,
          interactions: 1,
          schedules: 1,
          mounts: 1,
          log_entries: 1_200,
        },
      },
    });
    expect(session).toEqual({ type: 'session', data: shown });
    const of = (type: string) => rest.filter((line) => line.type === type).map(({ data }) => data);
    expect(of('state')).toEqual([state.body]);
    expect(of('run').map((run) => run['id'])).toEqual(runs);
    expect(of('event')).toEqual(feed);
    expect(of('segment').at(-1)).toMatchObject({ run_id: runs[1], content: 'own' });
    expect(of('interaction')).toMatchObject([{ token: 'q' }]);
    expect(of('schedule')).toMatchObject([{ cron: '0 9 * * *' }]);
    expect(of('mount')).toMatchObject([{ slug: 'work' }]);
    expect(of('log').map(({ message }) => message)).toEqual(entries.map(({ message }) => message));
    expect([...new Set(rest.map(({ type }) => type))]).toEqual([
      'state',
      'run',
      'event',
      'segment',
      'interaction',
      'schedule',
      'mount',
      'log',
    ]);
  });

  it('holds each of more things than are read at once', async () => {
    const { id } = await ann.made('/sessions');
    const slugs = Array.from({ length: 201 }, (_, n) => `mount-${n}`);
    await Promise.all(
      slugs.map((slug) => ann.made(`/sessions/${id}/mounts`, { slug, uri: 's3://bucket/work' })),
    );
    const mounts = (await exported(id)).lines.filter(({ type }) => type === 'mount');
    expect(mounts).toHaveLength(slugs.length);
    expect(new Set(mounts.map(({ data }) => data['slug']))).toEqual(new Set(slugs));
  });

  it('is for those who see the session', async () => {
    const { id } = await ann.made('/sessions');
    expect((await exported(id)).lines.map(({ type }) => type)).toEqual(['manifest', 'session', 'event']);
    expect((await exported(id, await project.caller('user'))).status).toBe(404);
  });
});

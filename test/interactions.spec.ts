import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Api, type Body, dataOf, newProject, type Reply } from './support/api.js';
import { type Server, startServer } from './support/server.js';
import { soon } from './support/soon.js';

let server: Server;
let project: Awaited<ReturnType<typeof newProject>>;
let ann: Api;
let annId: string;
let worker: Api;
let session: string;
let run: string;

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
  session = (await ann.made('/sessions')).id;
  run = (await ann.made(`/sessions/${session}/runs`)).id;
  await worker.patch(`/runs/${run}`, { status: 'running' });
});

const ask = (body: Body = {}): Promise<Reply> =>
  worker.post(`/runs/${run}/interactions`, { kind: 'user_approval', request: { text: 'Deploy?' }, ...body });
const asked = async (body: Body = {}): Promise<string> => String((await ask(body)).body['id']);
/** One that expires in a moment. */
const askedBriefly = (body: Body = {}): Promise<string> =>
  soon(async (expires_at) => (await ask({ ...body, expires_at })).body['id'] as string | undefined);
const read = async (id: string): Promise<Body> => (await ann.get(`/interactions/${id}`)).body;
const told = async (): Promise<unknown[]> =>
  dataOf(await ann.get(`/runs/${run}/events?types=interaction.requested,interaction.resolved`)).map(
    ({ type, data }) => [type, (data as Body)['status']],
  );

/** Asks again and again until the answer holds. */
async function eventually(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise(setImmediate);
}

describe('asking', () => {
  it('answers 201 with the question, which waits for 7 days', async () => {
    const reply = await ask({ token: 'deploy' });
    expect(reply.status).toBe(201);
    expect(reply.body).toMatchObject({
      token: 'deploy',
      project_id: project.id,
      user_id: annId,
      session_id: session,
      run_id: run,
      kind: 'user_approval',
      status: 'pending',
      request: { text: 'Deploy?' },
      response: null,
      revision: 1,
    });
    const { created_at, expires_at, id } = reply.body;
    expect(Date.parse(String(expires_at)) - Date.parse(String(created_at))).toBe(7 * 86_400_000);
    expect(reply.headers.get('location')).toBe(`/v1/interactions/${String(id)}`);
    expect(await read(String(id))).toEqual(reply.body);
  });

  it('answers 200 with the question that the token names, even once the run has ended', async () => {
    const first = await ask({ token: 'deploy' });
    const again = await ask({ token: 'deploy', request: 'something else' });
    expect([again.status, again.body]).toEqual([200, first.body]);
    await worker.patch(`/runs/${run}`, { status: 'completed' });
    const late = await ask({ token: 'deploy' });
    expect([late.status, late.body['id']]).toEqual([200, first.body['id']]);
    expect((await ask({ token: 'another' })).body['code']).toBe('run_terminal');
  });

  it('asks once when a hundred ask at once under one token', async () => {
    const replies = await Promise.all(Array.from({ length: 100 }, () => ask({ token: 'one' })));
    expect(replies.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(new Set(replies.map(({ body }) => body['id'])).size).toBe(1);
    expect(await told()).toEqual([['interaction.requested', undefined]]);
  });

  it('refuses what is no question', async () => {
    const faults = await Promise.all([
      ask({ kind: 'riddle' }),
      ask({ token: '' }),
      ask({ expires_at: '2020-01-01T00:00:00Z' }),
      ask({ nope: 1 }),
      ask({ request: 'x'.repeat(131_072) }),
    ]);
    expect(faults.map(({ status }) => status)).toEqual([400, 400, 400, 400, 413]);
    const detail = 'expires_at must be in the future';
    expect(faults[2].body['errors']).toEqual([{ pointer: '/expires_at', detail }]);
  });

  it('fences a worker whose lease was lost', async () => {
    const reply = await worker.post(
      `/runs/${run}/interactions`,
      { kind: 'user_input' },
      { 'lease-id': randomUUID() },
    );
    expect([reply.status, reply.body['code']]).toEqual([409, 'lease_lost']);
  });
});

describe('answering', () => {
  it('is told in the timeline of the run, and shown with who answered', async () => {
    const id = await asked();
    const reply = await ann.post(`/interactions/${id}/respond`, { decision: 'approve' });
    const me = (await ann.get('/me')).body;
    expect([reply.status, reply.body['status'], reply.body['revision']]).toEqual([200, 'responded', 2]);
    expect(reply.body['response']).toMatchObject({ decision: 'approved', by: me['principal_id'] });
    expect(await told()).toEqual([
      ['interaction.requested', undefined],
      ['interaction.resolved', 'responded'],
    ]);
  });

  it('takes a denial for what it is, and any JSON as an answer', async () => {
    const [denied, free] = [await asked({ token: 'a' }), await asked({ token: 'b', kind: 'user_input' })];
    expect((await ann.post(`/interactions/${denied}/respond`, { decision: 'denied' })).body['status']).toBe(
      'denied',
    );
    const reply = await ann.post(`/interactions/${free}/respond`, { answer: null });
    expect(reply.body).toMatchObject({ status: 'responded', response: { answer: null } });
  });

  it('accepts exactly one of a hundred answers at once', async () => {
    const id = await asked({ kind: 'user_input' });
    const replies = await Promise.all(
      Array.from({ length: 100 }, (_, n) => ann.post(`/interactions/${id}/respond`, { answer: n })),
    );
    const accepted = replies.filter(({ status }) => status === 200);
    const refused = replies.filter(({ status }) => status === 409);
    expect([accepted.length, refused.length]).toEqual([1, 99]);
    expect(new Set(refused.map(({ body }) => body['code']))).toEqual(new Set(['not_pending']));
    expect((await read(id))['response']).toEqual(accepted[0]?.body['response']);
    expect(await told()).toHaveLength(2);
  });

  it('needs an answer or a decision, not both', async () => {
    const id = await asked();
    const replies = await Promise.all(
      [{}, { answer: 1, decision: 'approved' }, { decision: 'perhaps' }].map((body) =>
        ann.post(`/interactions/${id}/respond`, body),
      ),
    );
    expect(replies.map(({ body }) => body['code'])).toEqual(Array(3).fill('validation_failed'));
  });

  it('is not for viewers, not for other users, and approvals are not for workers', async () => {
    const id = await asked();
    const callers = [await project.caller('viewer', annId), await project.caller('user'), worker];
    const replies = await Promise.all(
      callers.map((caller) => caller.post(`/interactions/${id}/respond`, { decision: 'approved' })),
    );
    expect(replies.map(({ body }) => body['code'])).toEqual(['forbidden', 'not_found', 'forbidden']);
    expect((await read(id))['status']).toBe('pending');
  });
});

describe('an answer takes effect', () => {
  it('when the worker resolves it, as often as it likes', async () => {
    const id = await asked();
    await ann.post(`/interactions/${id}/respond`, { decision: 'approved' });
    expect((await ann.post(`/interactions/${id}/resolve`)).body['code']).toBe('forbidden');
    const [first, second] = [
      await worker.post(`/interactions/${id}/resolve`),
      await worker.post(`/interactions/${id}/resolve`),
    ];
    expect([first.body['status'], second.body]).toEqual(['resolved', first.body]);
  });

  it('but not when the key that gave it was revoked meanwhile', async () => {
    const admin = await project.caller('admin');
    const id = await asked();
    await ann.post(`/interactions/${id}/respond`, { decision: 'approved' });
    const { principal_id } = (await ann.get('/me')).body;
    await new Api(server.url, server.key).delete(`/api-keys/${String(principal_id)}`);
    const resolved = await worker.post(`/interactions/${id}/resolve`);
    expect(resolved.body).toMatchObject({
      status: 'denied',
      response: { decision: 'approved' },
      reason: 'who answered may not answer any more',
    });
    expect((await admin.get(`/interactions/${id}`)).body['status']).toBe('denied');
  });
});

describe('an open question', () => {
  it('can be taken back, and is then not answered', async () => {
    const id = await asked();
    const taken = await worker.post(`/interactions/${id}/cancel`, { reason: 'moot' });
    expect(taken.body).toMatchObject({ status: 'cancelled', reason: 'moot' });
    expect((await worker.post(`/interactions/${id}/cancel`)).status).toBe(200);
    const late = await ann.post(`/interactions/${id}/respond`, { decision: 'approved' });
    expect([late.status, late.body['code']]).toEqual([409, 'not_pending']);
  });

  it.each(['completed', 'failed', 'cancelled'])('is cancelled when its run is %s', async (status) => {
    const [open, answered] = [await asked({ token: 'a' }), await asked({ token: 'b' })];
    await ann.post(`/interactions/${answered}/respond`, { decision: 'approved' });
    await worker.patch(`/runs/${run}`, { status });
    await eventually(async () => (await read(open))['status'] === 'cancelled');
    expect(await read(open)).toMatchObject({ reason: 'the run has ended', response: null });
    expect((await read(answered))['status']).toBe('responded');
  });

  it('waits no longer for who asks with the token with which its run has ended', async () => {
    const id = await asked({ token: 'a' });
    const token = (await worker.patch(`/runs/${run}`, { status: 'completed' })).headers.get(
      'consistency-token',
    );
    const behind = { 'consistency-token': String(token) };
    const list = `/sessions/${session}/interactions?status=pending`;
    expect((await ann.get(`/interactions/${id}`, behind)).body['status']).toBe('cancelled');
    expect(dataOf(await ann.get(list, behind))).toEqual([]);
  });

  it('is guarded by If-Match, whatever is done to it', async () => {
    const reply = await ask();
    const path = `/interactions/${String(reply.body['id'])}`;
    const stale = { 'if-match': '"7"' };
    const refused = [
      await ann.post(`${path}/respond`, { decision: 'approve' }, stale),
      await ann.post(`${path}/cancel`, {}, stale),
      await worker.post(`${path}/resolve`, {}, stale),
    ];
    expect(refused.map(({ body }) => body['code'])).toEqual(Array(3).fill('revision_mismatch'));
    const seen = { 'if-match': String(reply.headers.get('etag')) };
    expect((await ann.post(`${path}/respond`, { decision: 'approve' }, seen)).status).toBe(200);
    expect((await worker.post(`${path}/resolve`, {}, seen)).status).toBe(412);
    expect((await worker.post(`${path}/resolve`, {}, { 'if-match': '"2"' })).body['status']).toBe('resolved');
  });

  it('expires with a reason, and the timeline tells it', async () => {
    const id = await askedBriefly();
    await eventually(async () => (await read(id))['status'] === 'expired');
    expect(String((await read(id))['reason'])).toMatch(/^nobody answered until/);
    await eventually(async () => (await told()).length === 2);
    expect((await told())[1]).toEqual(['interaction.resolved', 'expired']);
  });
});

describe('a tool call that a client is to answer', () => {
  const status = async (): Promise<unknown> => (await ann.get(`/sessions/${session}`)).body['status'];

  it('has the session wait for it, from the request to the answer', async () => {
    const [a, b] = [
      await asked({ token: 'a', kind: 'tool_call' }),
      await asked({ token: 'b', kind: 'tool_call' }),
    ];
    expect(await status()).toBe('waiting_for_tool_results');
    expect(await worker.ids('/sessions?status=waiting_for_tool_results')).toEqual([session]);
    await ann.post(`/interactions/${a}/respond`, { answer: { degrees: 21 } });
    expect(await status()).toBe('waiting_for_tool_results');
    await ann.post(`/interactions/${b}/respond`, { answer: 1 });
    expect(await status()).toBe('active');
  });

  it('waits no longer than its run', async () => {
    await asked({ kind: 'tool_call' });
    await worker.patch(`/runs/${run}`, { status: 'failed' });
    expect(await status()).toBe('idle');
  });

  it('answers itself with an error when nobody does, after 5 minutes or when it was asked to', async () => {
    const reply = await ask({ token: 'long', kind: 'tool_call' });
    const { created_at, expires_at } = reply.body;
    expect(Date.parse(String(expires_at)) - Date.parse(String(created_at))).toBe(300_000);
    const until = '2100-01-01T00:00:00.000Z';
    expect((await ask({ kind: 'tool_call', expires_at: until })).body['expires_at']).toBe(until);
    const id = await askedBriefly({ kind: 'tool_call' });
    await eventually(async () => (await read(id))['status'] === 'responded');
    expect((await read(id))['response']).toMatchObject({ error: { code: 'timeout' } });
    expect((await worker.post(`/interactions/${id}/resolve`)).body['status']).toBe('resolved');
  });
});

describe('the questions of a session', () => {
  it('are listed newest first, by status, and by what the caller can do about them', async () => {
    const ids: string[] = [];
    for (const kind of ['user_approval', 'user_input', 'tool_call'])
      ids.push(await asked({ kind, token: kind }));
    const path = `/sessions/${session}/interactions`;
    expect(await worker.ids(path)).toEqual([...ids].reverse());
    expect(await worker.allIds(`${path}?order=asc`, 1)).toEqual(ids);
    await worker.post(`/interactions/${String(ids[2])}/cancel`);
    expect(await worker.ids(`${path}?status=cancelled,pending&order=asc`)).toEqual(ids);
    expect(await worker.ids(`${path}?status=canceled`)).toEqual([ids[2]]);
    const token = {
      'consistency-token':
        (await worker.post(`/runs/${run}/events`, note)).headers.get('consistency-token') ?? '',
    };
    const actionable = async (caller: Api, search = ''): Promise<unknown[]> =>
      dataOf(await caller.get(`${path}?actionable_only=true&order=asc${search}`, token)).map(({ id }) => id);
    expect(await actionable(ann)).toEqual([ids[0], ids[1]]);
    expect(await actionable(ann, '&status=pending,responded')).toEqual([ids[0], ids[1]]);
    expect(await actionable(ann, '&status=responded')).toEqual([]);
    expect(await actionable(worker)).toEqual([ids[1]]);
    expect(await actionable(await project.caller('viewer', annId))).toEqual([]);
    expect((await (await project.caller('user')).get(path)).status).toBe(404);
    expect((await ann.get(`${path}?status=open`)).status).toBe(400);
  });

  it('are shown without those of another user’s run in it', async () => {
    const bob = randomUUID();
    const body = { session_id: session, user_id: bob, parent_run_id: run };
    const ofBob = (await worker.made('/runs', body)).id;
    await worker.made(`/runs/${ofBob}/interactions`, { kind: 'user_input' });
    const own = await asked();
    expect(await worker.ids(`/sessions/${session}/interactions`)).toHaveLength(2);
    expect(await ann.ids(`/sessions/${session}/interactions`)).toEqual([own]);
  });
});

const note = { events: [{ type: 'x.note', data: {} }] };

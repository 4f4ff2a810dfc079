import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Api, type Body, dataOf, newProject, type Reply } from './support/api.js';
import { type Server, startServer } from './support/server.js';

let server: Server;
let project: Awaited<ReturnType<typeof newProject>>;
let annId: string;
let ann: Api;
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

const budgeted = async (budget: object): Promise<string> => (await ann.made('/sessions', { budget })).id;
const aRun = async (session: string, body: object = {}): Promise<string> => {
  const { id } = await ann.made(`/sessions/${session}/runs`, { on_active_run: 'allow', ...body });
  await worker.patch(`/runs/${id}`, { status: 'running' });
  return id;
};
const use = (run: string, input_tokens: number, cost_usd = 0): Promise<Reply> =>
  worker.patch(`/runs/${run}`, { usage: { input_tokens, cost_usd } });
const shown = async (session: string): Promise<Body> => (await ann.get(`/sessions/${session}`)).body;
const code = ({ status, body }: Reply): unknown => [status, body['code']];
const refused = [409, 'session_paused'];

/** What the feed tells of pauses and resumptions, once it has told of so many. */
async function pauses(session: string, count: number): Promise<Body[]> {
  for (;;) {
    const updates = dataOf(await ann.get(`/sessions/${session}/events?types=session.updated`));
    const told = updates.map(({ data }) => data as Body).filter(({ paused }) => paused !== undefined);
    if (told.length >= count) return told;
  }
}

/** A session that has used 120 of 100 tokens, and the run that did it. */
async function paused(): Promise<{ session: string; run: string }> {
  const session = await budgeted({ max_tokens: 100 });
  const run = await aRun(session);
  await use(run, 120);
  await untilPaused(session);
  return { session, run };
}

/** Waits as a client does: it may be paused a moment after the usage was answered. */
async function untilPaused(session: string, api = ann): Promise<void> {
  while ((await api.get(`/sessions/${session}`)).body['status'] !== 'paused');
}

describe('a budget', () => {
  it('is shown with what counts against it: input and output tokens, and dollars', async () => {
    const session = await budgeted({ max_tokens: 1_000, max_cost_usd: 0.5 });
    const run = await aRun(session);
    await worker.patch(`/runs/${run}`, {
      usage: { input_tokens: 10, output_tokens: 5, cache_read_tokens: 90, cost_usd: 0.25 },
    });
    expect(await shown(session)).toMatchObject({
      status: 'active',
      budget: { max_tokens: 1_000, max_cost_usd: 0.5, used_tokens: 15, used_cost_usd: 0.25 },
    });
  });

  it('holds for a session with text that is no good Unicode', async () => {
    const session = await budgeted({ max_tokens: 100 });
    await ann.patch(`/sessions/${session}`, { title: '\ud800' });
    await use(await aRun(session), 120);
    await untilPaused(session);
  });

  it('is none with null, with nothing in it, and when nothing is said', async () => {
    for (const body of [{}, { budget: null }, { budget: {} }, { budget: { max_tokens: null } }]) {
      expect((await ann.made('/sessions', body))['budget']).toBeNull();
    }
  });

  it('must be more than nothing, and names each fault', async () => {
    const reply = await ann.post('/sessions', { budget: { max_tokens: 0, max_cost_usd: 0, max: 1 } });
    expect(code(reply)).toEqual([400, 'validation_failed']);
    const pointers = (reply.body['errors'] as Body[]).map(({ pointer }) => pointer).sort();
    expect(pointers).toEqual(['/budget/max', '/budget/max_cost_usd', '/budget/max_tokens']);
    for (const max_tokens of [1.5, '7', -1]) {
      expect((await ann.post('/sessions', { budget: { max_tokens } })).status).toBe(400);
    }
  });

  it('counts what was used before it was set', async () => {
    const { id } = await ann.made('/sessions');
    await use(await aRun(id), 120);
    const reply = await ann.patch(`/sessions/${id}`, { budget: { max_tokens: 100 } });
    expect(reply.body).toMatchObject({ status: 'paused', budget: { max_tokens: 100, used_tokens: 120 } });
  });
});

describe('a session whose budget is used up', () => {
  it('is paused after the fact, and tells so with the figures', async () => {
    const { session } = await paused();
    const budget = { max_tokens: 100, max_cost_usd: null, used_tokens: 120, used_cost_usd: 0 };
    expect(await shown(session)).toMatchObject({ status: 'paused', budget, revision: 1 });
    expect(await pauses(session, 1)).toEqual([{ paused: true, reason: 'max_tokens', budget }]);
  });

  it('is paused by its cost as well, and by what events report', async () => {
    const session = await budgeted({ max_cost_usd: 0.3 });
    const run = await aRun(session);
    for (const cost_usd of [0.1, 0.2]) {
      const data = { text: 'Yes', usage: { cost_usd } };
      await worker.post(`/runs/${run}/events`, { events: [{ type: 'message.output.completed', data }] });
    }
    await untilPaused(session);
    expect(await pauses(session, 1)).toMatchObject([
      { reason: 'max_cost_usd', budget: { used_cost_usd: 0.3 } },
    ]);
  });

  it('takes no new run, whichever way it is asked for', async () => {
    const { session, run } = await paused();
    const asked = [
      await ann.post('/runs', { session_id: session }),
      await worker.post('/runs', { session_id: session, parent_run_id: run }),
      await worker.post(`/sessions/${session}/runs`, { parent_run_id: run }),
    ];
    for (const on_active_run of ['reject', 'allow', 'enqueue', 'steer']) {
      asked.push(await ann.post(`/sessions/${session}/runs`, { on_active_run }));
    }
    expect(asked.map(code)).toEqual(asked.map(() => refused));
    expect(asked[0]?.body).toMatchObject({ reason: 'max_tokens', retryable: false });
    expect(await ann.ids(`/sessions/${session}/runs`)).toEqual([run]);
  });

  it('lets running runs go on and end, even when another wanted to take over', async () => {
    const { session, run } = await paused();
    await ann.post(`/sessions/${session}/runs`, { on_active_run: 'steer' });
    expect((await use(run, 150)).status).toBe(200);
    expect((await worker.patch(`/runs/${run}`, { status: 'running' })).status).toBe(200);
    expect((await worker.patch(`/runs/${run}`, { status: 'completed' })).status).toBe(200);
    expect(await shown(session)).toMatchObject({ status: 'paused', budget: { used_tokens: 150 } });
    expect(await pauses(session, 1)).toHaveLength(1);
  });

  it('holds back what is pending: it cannot be claimed or started until the session is resumed', async () => {
    const session = await budgeted({ max_tokens: 100 });
    const run = await aRun(session);
    const { id: queued } = await ann.made(`/sessions/${session}/runs`, { on_active_run: 'allow' });
    const { id: elsewhere } = await ann.made('/runs');
    await use(run, 100);
    await untilPaused(session);
    const claim = (wait_seconds: number) =>
      worker.post('/runs/claim', { worker_id: 'w', max: 10, wait_seconds });
    expect(dataOf(await claim(0)).map(({ id }) => id)).toEqual([elsewhere]);
    expect(code(await worker.patch(`/runs/${queued}`, { status: 'running' }))).toEqual(refused);
    const waiting = claim(30);
    await ann.post(`/sessions/${session}/resume`);
    expect(dataOf(await waiting).map(({ id }) => id)).toEqual([queued]);
  });

  it('is found by its status, counted, and paused in the past as it was', async () => {
    const { session } = await paused();
    await ann.made('/sessions');
    expect(await ann.ids('/sessions?status=paused')).toEqual([session]);
    expect((await ann.get('/sessions/stats')).body).toMatchObject({ total: 2, paused: 1, started: 1 });
    const before = await shown(session);
    const place = dataOf(await ann.get(`/sessions/${session}/events`)).length;
    await ann.post(`/sessions/${session}/resume`);
    expect(await ann.ids('/sessions?status=paused')).toEqual([]);
    expect((await ann.get(`/sessions/${session}?as_of=${place}`)).body).toEqual(before);
    expect((await ann.get(`/sessions/${session}?as_of=${place - 1}`)).body).toMatchObject({
      status: 'active',
    });
    expect((await ann.get(`/sessions/${session}?as_of=${place + 1}`)).body).toEqual(await shown(session));
  });

  it('counts usage that replaces, or is sent again, once', async () => {
    const session = await budgeted({ max_tokens: 100 });
    const run = await aRun(session);
    for (const tokens of [60, 60, 40, 90, 90]) await use(run, tokens);
    const headers = { 'idempotency-key': randomUUID() };
    const usage = { output_tokens: 9 };
    const events = [{ id: randomUUID(), type: 'completion', data: { done: true, usage } }];
    for (let n = 0; n < 3; n++) await worker.post(`/runs/${run}/events`, { events }, headers);
    expect(await shown(session)).toMatchObject({ status: 'active', budget: { used_tokens: 99 } });
    expect(code(await ann.post(`/sessions/${session}/runs`, { on_active_run: 'allow' }))).toEqual([
      201,
      undefined,
    ]);
  });

  it('is paused once when two runs reach the limit at once', async () => {
    for (let round = 0; round < 10; round++) {
      const session = await budgeted({ max_tokens: 100 });
      const runs = [await aRun(session), await aRun(session)];
      await Promise.all(runs.map((run) => use(run, 50 + round)));
      await untilPaused(session);
      expect(await pauses(session, 1)).toMatchObject([{ budget: { used_tokens: 100 + 2 * round } }]);
    }
  });

  it('takes no run from whoever has seen the usage, or asks the process that stored it', async () => {
    for (let round = 0; round < 10; round++) {
      const session = await budgeted({ max_tokens: 100 });
      const run = await aRun(session);
      const token = (await use(run, 100)).headers.get('consistency-token') ?? '';
      const headers = round % 2 === 0 ? { 'consistency-token': token } : {};
      const reply = await ann.post(`/sessions/${session}/runs`, { on_active_run: 'allow' }, headers);
      expect(code(reply)).toEqual(refused);
    }
  });
});

describe('resuming', () => {
  it('lets the session go on, and counts anew from there', async () => {
    const { session, run } = await paused();
    const reply = await ann.post(`/sessions/${session}/resume`);
    const budget = { max_tokens: 100, max_cost_usd: null, used_tokens: 0, used_cost_usd: 0 };
    expect([reply.status, reply.body]).toMatchObject([200, { id: session, status: 'active', budget }]);
    expect(await pauses(session, 2)).toMatchObject([
      { paused: true },
      { paused: false, reason: 'requested', budget: { used_tokens: 120 } },
    ]);
    await use(run, 219);
    expect(await shown(session)).toMatchObject({ status: 'active', budget: { used_tokens: 99 } });
    await use(await aRun(session), 1);
    await untilPaused(session);
    expect((await shown(session))['usage']).toMatchObject({ input_tokens: 220 });
  });

  it('changes nothing a second time, or when the session was not paused', async () => {
    const { session, run } = await paused();
    await ann.post(`/sessions/${session}/resume`);
    await use(run, 150);
    const again = await ann.post(`/sessions/${session}/resume`);
    expect([again.status, again.body]).toMatchObject([200, { budget: { used_tokens: 30 } }]);
    expect(await pauses(session, 2)).toHaveLength(2);
    const { id } = await ann.made('/sessions');
    expect((await ann.post(`/sessions/${id}/resume`)).body).toMatchObject({ status: 'started', revision: 1 });
  });

  it('does not count below nothing when usage is corrected', async () => {
    const { session, run } = await paused();
    await ann.post(`/sessions/${session}/resume`);
    await use(run, 20);
    expect((await shown(session))['budget']).toMatchObject({ used_tokens: 0 });
  });

  it('follows from a raised budget, a cleared one, and usage that is corrected', async () => {
    for (const budget of [{ max_tokens: 121 }, null, { max_cost_usd: 5 }]) {
      const { session } = await paused();
      const reply = await ann.patch(`/sessions/${session}`, { budget });
      expect(reply.body['status']).toBe('active');
      expect((await pauses(session, 2)).at(-1)).toMatchObject({ paused: false, reason: 'budget' });
      expect(code(await ann.post(`/sessions/${session}/runs`, { on_active_run: 'allow' }))).toEqual([
        201,
        undefined,
      ]);
    }
    const { session, run } = await paused();
    expect((await ann.patch(`/sessions/${session}`, { budget: { max_tokens: 120 } })).body['status']).toBe(
      'paused',
    );
    await use(run, 80);
    expect(code(await ann.post(`/sessions/${session}/runs`, { on_active_run: 'allow' }))).toEqual([
      201,
      undefined,
    ]);
  });

  it('is for those who may change the session, at the revision they know', async () => {
    const { session } = await paused();
    const viewer = await project.caller('viewer', annId);
    const stranger = await project.caller('user');
    expect((await viewer.post(`/sessions/${session}/resume`)).status).toBe(403);
    expect((await stranger.post(`/sessions/${session}/resume`)).status).toBe(404);
    expect((await ann.post(`/sessions/${session}/resume`, {}, { 'if-match': '"7"' })).status).toBe(412);
    expect((await shown(session))['status']).toBe('paused');
    await ann.delete(`/sessions/${session}`);
    expect((await ann.post(`/sessions/${session}/resume`)).status).toBe(410);
  });
});

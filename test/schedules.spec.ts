import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Api, type Body, dataOf, newProject, type Reply } from './support/api.js';
import { type Server, startServer } from './support/server.js';
import { secondsFrom, soon } from './support/soon.js';

let server: Server;
let project: Awaited<ReturnType<typeof newProject>>;
let ann: Api;
let annId: string;
let session: string;

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
  session = (await ann.made('/sessions')).id;
});

const everySecond = '* * * * * *';
/** No test is running then. */
const farAway = '0 9 29 2 *';
const inAYear = (): string => new Date(Date.now() + 365 * 86_400_000).toISOString();
const ask = (body: Body = {}, caller = ann): Promise<Reply> =>
  caller.post(`/sessions/${session}/schedules`, { cron: farAway, run: {}, ...body });
const asked = async (body: Body = {}): Promise<string> => String((await ask(body)).body['id']);
/** One that is due in a moment. */
const askedSoon = (body: Body = {}): Promise<Body> =>
  soon(async (at) => {
    const reply = await ask({ cron: null, at, ...body });
    return reply.status === 201 ? reply.body : undefined;
  });
const read = async (id: string): Promise<Body> => (await ann.get(`/schedules/${id}`)).body;
const runs = async (): Promise<Body[]> =>
  dataOf(await ann.get(`/sessions/${session}/runs?limit=100&order=asc`));
const active = async (): Promise<unknown> =>
  (await ann.get(`/sessions/${session}`)).body['active_schedule_count'];
const ofSchedule = ({ metadata }: Body): Body => (metadata as Body)['schedule'] as Body;

/** The runs, once so many are listed. */
async function runsOf(count: number): Promise<Body[]> {
  await eventually(async () => (await runs()).length >= count);
  return runs();
}

/** Asks again and again until the answer holds. */
async function eventually(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise(setImmediate);
}

describe('creating', () => {
  it('answers 201 with the schedule, and when it fires next by the clock of its zone', async () => {
    const reply = await ask({
      name: 'morning',
      time_zone: 'Asia/Kathmandu',
      run: { source: 'cron', input: { text: 'Good morning' }, metadata: { of: 'ann' } },
    });
    expect(reply.status).toBe(201);
    expect(reply.body).toMatchObject({
      project_id: project.id,
      session_id: session,
      user_id: annId,
      name: 'morning',
      at: null,
      cron: farAway,
      time_zone: 'Asia/Kathmandu',
      run: { source: 'cron', input: { text: 'Good morning' }, metadata: { of: 'ann' } },
      on_active_run: 'enqueue',
      enabled: true,
      last_fired_at: null,
      last_run_id: null,
      last_error: null,
      fired_count: 0,
      skipped_count: 0,
      revision: 1,
    });
    const { id, next_fire_at } = reply.body;
    expect(next_fire_at).toMatch(/T03:15:00.000Z$/);
    expect(Date.parse(String(next_fire_at))).toBeGreaterThan(Date.now());
    expect(reply.headers.get('location')).toBe(`/v1/schedules/${String(id)}`);
    expect(await read(String(id))).toEqual(reply.body);
    expect(dataOf(await ann.get(`/sessions/${session}/schedules`))).toEqual([reply.body]);
    expect(await active()).toBe(1);
  });

  it.each<[string, Body, string]>([
    ['neither at nor cron', { cron: null }, '/at'],
    ['both', { at: '2100-01-01T00:00:00Z' }, '/cron'],
    ['a wrong pattern', { cron: '61 * * * *' }, '/cron'],
    ['a pattern that never comes', { cron: '0 0 30 2 *' }, '/cron'],
    ['a zone that is none', { time_zone: 'Mars/Olympus' }, '/time_zone'],
    ['a time that is over', { cron: null, at: '2020-01-01T00:00:00Z' }, '/at'],
    ['no run', { run: null }, '/run'],
    ['a wrong run', { run: { kind: 'riddle' } }, '/run/kind'],
    ['what firings tell', { run: { metadata: { schedule: 'mine' } } }, '/run/metadata/schedule'],
    ['what is not known', { nope: 1 }, '/nope'],
  ])('refuses %s, and says where', async (_what, body, pointer) => {
    const { status, body: problem } = await ask(body);
    expect([status, problem['code']]).toEqual([400, 'validation_failed']);
    expect((problem['errors'] as Body[]).map((error) => error['pointer'])).toEqual([pointer]);
  });

  it('is the same once when it is sent again with its key', async () => {
    const key = { 'idempotency-key': randomUUID() };
    const body = { at: inAYear(), run: {} };
    const [one, again] = [
      await ann.post(`/sessions/${session}/schedules`, body, key),
      await ann.post(`/sessions/${session}/schedules`, body, key),
    ];
    expect(again.body).toEqual(one.body);
    expect(await ann.ids(`/sessions/${session}/schedules`)).toEqual([one.body['id']]);
  });

  it('is refused beyond five active ones, also when twenty are asked for at once', async () => {
    const replies = await Promise.all(Array.from({ length: 20 }, () => ask()));
    const made = replies.filter(({ status }) => status === 201);
    const refused = replies.filter(({ status }) => status === 409);
    expect([made.length, refused.length]).toEqual([5, 15]);
    expect(new Set(refused.map(({ body }) => body['code']))).toEqual(new Set(['too_many_schedules']));
    expect(await active()).toBe(5);

    const [first, second] = made.map(({ body }) => String(body['id']));
    const sixth = await asked({ enabled: false });
    expect((await ann.post(`/schedules/${sixth}/enable`)).body['code']).toBe('too_many_schedules');
    await ann.post(`/schedules/${String(first)}/disable`);
    expect((await ann.post(`/schedules/${sixth}/enable`)).status).toBe(200);
    expect((await ask()).status).toBe(409);
    await ann.delete(`/schedules/${String(second)}`);
    expect((await ask()).status).toBe(201);
    expect(await active()).toBe(5);
  });
});

describe('who may', () => {
  it('read it is whoever sees the session; change it, all of them but viewers', async () => {
    const id = await asked();
    const others = await project.caller('user');
    const viewer = await project.caller('viewer', annId);
    const worker = await project.caller('worker');
    const stranger = await (await newProject(server)).caller('admin');
    const statuses = async (caller: Api) => [
      (await caller.get(`/schedules/${id}`)).status,
      (await caller.get(`/sessions/${session}/schedules`)).status,
      (await caller.patch(`/schedules/${id}`, { name: caller.key })).status,
      (await ask({}, caller)).status,
    ];
    expect(await statuses(others)).toEqual([404, 404, 404, 404]);
    expect(await statuses(stranger)).toEqual([404, 404, 404, 404]);
    expect(await statuses(viewer)).toEqual([200, 200, 403, 403]);
    expect(await statuses(worker)).toEqual([200, 200, 200, 201]);
  });
});

describe('changing', () => {
  it('reckons anew from now on, and is guarded by If-Match', async () => {
    const reply = await ask({ name: 'old' });
    const id = String(reply.body['id']);
    const changed = await ann.patch(
      `/schedules/${id}`,
      { name: null, time_zone: 'Asia/Kathmandu', run: { source: 'other' } },
      { 'if-match': reply.headers.get('etag') ?? '' },
    );
    expect(changed.body).toMatchObject({
      name: null,
      cron: farAway,
      run: { source: 'other' },
      revision: 2,
    });
    expect(changed.body['next_fire_at']).toMatch(/T03:15:00.000Z$/);
    const late = await ann.patch(`/schedules/${id}`, { name: 'late' }, { 'if-match': '"1"' });
    expect([late.status, late.body['code']]).toEqual([412, 'revision_mismatch']);
    const at = inAYear();
    expect((await ann.patch(`/schedules/${id}`, { at })).body).toMatchObject({
      at,
      cron: null,
      next_fire_at: at,
    });
    const same = await ann.patch(`/schedules/${id}`, { at });
    expect(same.body['revision']).toBe(3);
    const refused: Body[] = [{ at: '2020-01-01T00:00:00Z' }, { run: { metadata: { schedule: 'mine' } } }];
    for (const body of refused) expect((await ann.patch(`/schedules/${id}`, body)).status).toBe(400);
  });

  it('is counted in the session as it was, up to the next number of its feed or up to a time', async () => {
    const pastCount = async (moment: unknown): Promise<unknown> =>
      (await ann.get(`/sessions/${session}?as_of=${String(moment)}`)).body['active_schedule_count'];
    const { created_at } = (await ann.get(`/sessions/${session}`)).body;
    const first = (await ask()).body;
    const named = await ann.patch(`/sessions/${session}`, { title: 'Nightly' });
    await asked();
    await ann.delete(`/schedules/${String(first['id'])}`);
    await asked();
    await asked();
    expect(await active()).toBe(3);
    expect([await pastCount(1), await pastCount(2)]).toEqual([1, 3]);
    const times = [created_at, first['created_at'], named.body['updated_at'], inAYear()];
    expect(await Promise.all(times.map(pastCount))).toEqual([0, 1, 1, 3]);
  });

  it('is counted in the past also when so much came before it that it was summed up', async () => {
    const often = await asked();
    await asked({ enabled: false });
    const trigger = () => ann.post(`/schedules/${often}/trigger`);
    for (let n = 0; n < 210; n += 10) await Promise.all(Array.from({ length: 10 }, trigger));
    const { updated_at } = (await ann.patch(`/sessions/${session}`, { title: 'Often' })).body;
    await ann.post(`/schedules/${often}/disable`);
    const pastCount = async (moment: unknown): Promise<unknown> =>
      (await ann.get(`/sessions/${session}?as_of=${String(moment)}`)).body['active_schedule_count'];
    expect([await pastCount(updated_at), await pastCount(inAYear()), await active()]).toEqual([1, 0, 0]);
    expect((await read(often))['fired_count']).toBe(210);
  });

  it('disables and enables, as often as it is asked', async () => {
    const id = await asked();
    const verbs = ['disable', 'disable', 'enable', 'enable'];
    const seen: unknown[] = [];
    for (const verb of verbs) {
      const { status, body } = await ann.post(`/schedules/${id}/${verb}`);
      seen.push([status, body['enabled'], body['next_fire_at'] !== null, body['revision'], await active()]);
    }
    expect(seen).toEqual([
      [200, false, false, 2, 0],
      [200, false, false, 2, 0],
      [200, true, true, 3, 1],
      [200, true, true, 3, 1],
    ]);
    await ann.patch(`/schedules/${id}`, { enabled: false });
    expect(await ann.ids(`/sessions/${session}/schedules?enabled=true`)).toEqual([]);
    expect(await ann.ids(`/sessions/${session}/schedules?enabled=false`)).toEqual([id]);
  });

  it('deletes', async () => {
    const id = await asked();
    expect((await ann.delete(`/schedules/${id}`, { 'if-match': '"7"' })).status).toBe(412);
    expect((await ann.delete(`/schedules/${id}`)).status).toBe(204);
    expect((await ann.get(`/schedules/${id}`)).status).toBe(404);
    expect((await ann.delete(`/schedules/${id}`)).status).toBe(404);
    expect(await ann.ids(`/sessions/${session}/schedules`)).toEqual([]);
    expect(await active()).toBe(0);
  });

  it('pages', async () => {
    for (let n = 0; n < 5; n++) await asked({ enabled: false });
    const all = await ann.ids(`/sessions/${session}/schedules`);
    expect(await ann.allIds(`/sessions/${session}/schedules`, 2)).toEqual(all);
    expect(all).toHaveLength(5);
  });
});

describe('firing', () => {
  it('makes a run of the session at the time, once, and is done', async () => {
    const body = { source: 'later', input: [1], kind: 'job', max_attempts: 1 };
    const made = await askedSoon({ run: body });
    const [id, at] = [String(made['id']), String(made['at'])];
    await eventually(async () => (await read(id))['fired_count'] === 1);
    const [run, ...others] = await runsOf(1);
    expect(others).toEqual([]);
    expect(run).toMatchObject({
      session_id: session,
      user_id: annId,
      kind: 'job',
      source: 'later',
      input: [1],
      max_attempts: 1,
      status: 'pending',
      metadata: { schedule: { schedule_id: id, due_at: at } },
    });
    const late = Number(ofSchedule(run ?? {})['late_ms']);
    expect(Date.parse(String(run?.['created_at']))).toBe(Date.parse(at) + late);
    expect(await read(id)).toMatchObject({
      enabled: true,
      next_fire_at: null,
      last_run_id: run?.['id'],
      last_error: null,
    });
    expect(await active()).toBe(0);
  });

  it('fires by a pattern, one run for each time, until it is disabled', async () => {
    const made = await ask({ cron: everySecond });
    const id = String(made.body['id']);
    await eventually(async () => Number((await read(id))['fired_count']) >= 2);
    const { body } = await ann.post(`/schedules/${id}/disable`);
    const answered = Date.now();
    const first = String(made.body['next_fire_at']);
    const certain = secondsFrom(first, Date.parse(String(body['updated_at'])));
    const fired = (await runsOf(certain.length)).map((run) => ofSchedule(run)['due_at']);
    expect(fired).toEqual(secondsFrom(first, answered).slice(0, fired.length));
    expect((await read(id))['next_fire_at']).toBeNull();
  });

  it('is woken by a change: what was far away comes at once', async () => {
    const id = await asked({ cron: null, at: inAYear() });
    await soon(async (at) => (await ann.patch(`/schedules/${id}`, { at })).status === 200 || undefined);
    expect(await runsOf(1)).toHaveLength(1);
  });

  it('enqueues behind the run that holds the session, unless it is told otherwise', async () => {
    await ann.made(`/sessions/${session}/runs`);
    const rejecting = String((await askedSoon({ on_active_run: 'reject' }))['id']);
    const enqueuing = String((await askedSoon())['id']);
    await eventually(async () => (await read(enqueuing))['last_run_id'] !== null);
    await eventually(async () => (await read(rejecting))['last_error'] !== null);
    expect(await read(rejecting)).toMatchObject({
      last_error: 'session_busy',
      fired_count: 0,
      last_run_id: null,
    });
    expect(await runsOf(2)).toHaveLength(2);
  });

  it('acts for the key that created it, and no longer once that is revoked', async () => {
    const admin = new Api(server.url, server.key);
    const key = await admin.made('/api-keys', {
      name: 'short-lived',
      project_id: project.id,
      role: 'user',
      user_id: annId,
    });
    const bob = new Api(server.url, String(key['key']));
    const id = String((await ask({ cron: everySecond }, bob)).body['id']);
    await eventually(async () => Number((await read(id))['fired_count']) >= 1);
    const principal = (await bob.get('/me')).body['principal_id'];
    const auditor = await project.caller('auditor');
    const response = await fetch(`${server.url}/v1/audit/events?category=run`, {
      headers: { authorization: `Bearer ${auditor.key}` },
    });
    const [event] = (await response.text())
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; metadata: Body });
    expect(event).toMatchObject({ type: 'RunCreated', metadata: { actor: principal, $correlationId: id } });

    await admin.delete(`/api-keys/${key.id}`);
    await eventually(async () => (await read(id))['last_error'] === 'unauthenticated');
    const { fired_count, enabled, next_fire_at } = await read(id);
    expect([enabled, next_fire_at !== null]).toEqual([true, true]);
    expect(await runsOf(Number(fired_count))).toHaveLength(Number(fired_count));
  });

  it('goes on when the session is archived, and ends when it is deleted', async () => {
    const id = await asked({ cron: everySecond });
    await ann.post(`/sessions/${session}/archive`);
    await eventually(async () => Number((await read(id))['fired_count']) >= 1);
    await ann.delete(`/sessions/${session}`);
    await eventually(async () => (await read(id))['last_error'] === 'session_deleted');
    expect(await read(id)).toMatchObject({ enabled: false, next_fire_at: null });
    expect((await ann.post(`/schedules/${id}/enable`)).body['code']).toBe('session_deleted');
    expect((await ann.get(`/sessions/${session}/schedules`)).status).toBe(410);
    expect((await ask()).status).toBe(410);
  });
});

describe('triggering', () => {
  it('makes a run now, also of a disabled one, and leaves its times alone', async () => {
    const before = (await ask({ run: { source: 'daily' } })).body;
    const id = String(before['id']);
    const { status, body: run, headers } = await ann.post(`/schedules/${id}/trigger`);
    expect([status, headers.get('location')]).toEqual([201, `/v1/runs/${String(run['id'])}`]);
    expect(run).toMatchObject({
      session_id: session,
      source: 'daily',
      metadata: { schedule: { schedule_id: id } },
    });
    expect(await read(id)).toMatchObject({
      next_fire_at: before['next_fire_at'],
      last_run_id: run['id'],
      fired_count: 1,
    });
    await ann.post(`/schedules/${id}/disable`);
    expect((await ann.post(`/schedules/${id}/trigger`)).status).toBe(201);
    expect(await read(id)).toMatchObject({ enabled: false, next_fire_at: null, fired_count: 2 });
    expect(await runs()).toHaveLength(2);
  });
});

import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Api, type Body, dataOf, newProject, type Reply } from './support/api.js';
import { type Server, startServer } from './support/server.js';

let server: Server;
let project: Awaited<ReturnType<typeof newProject>>;
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
  ann = await project.caller('user');
  worker = await project.caller('worker');
});

type Run = Body & { id: string; lease_id: string };

const claim = async (body: Body = {}, api = worker): Promise<Run[]> =>
  dataOf(await api.post('/runs/claim', { worker_id: 'w', ...body })) as Run[];
const claimOne = async (body: Body = {}): Promise<Run> => {
  const [run] = await claim(body);
  if (run === undefined) throw new Error('nothing to claim');
  return run;
};
const idsOf = (runs: readonly Body[]) => runs.map(({ id }) => id);
const codes = (replies: readonly Reply[]) => replies.map(({ status, body }) => [status, body['code']]);
const readRun = async (id: string): Promise<Body> => (await ann.get(`/runs/${id}`)).body;

/** Reads the run until it is as wanted. */
async function runThat(id: string, wanted: (run: Body) => boolean): Promise<Body> {
  for (;;) {
    const run = await readRun(id);
    if (wanted(run)) return run;
    await pause(20);
  }
}

describe('claiming runs', () => {
  it('ends for a key that is revoked while it waits, which gets nothing that comes later', async () => {
    const admin = new Api(server.url, server.key);
    const key = await admin.made('/api-keys', { name: 'short', project_id: project.id, role: 'worker' });
    const short = new Api(server.url, String(key['key']));
    await short.get('/me');
    const waiting = claim({ wait_seconds: 60 }, short);
    // Whatever comes later is answered later: by then the claim waits.
    await claim();
    await admin.delete(`/api-keys/${key.id}`);
    expect(await waiting).toEqual([]);
    expect(await readRun((await ann.made('/runs')).id)).toMatchObject({ status: 'pending' });
  }, 50_000);

  it('starts the oldest first, under a lease whose id nobody else is shown', async () => {
    const made = [await ann.made('/runs'), await ann.made('/runs'), await ann.made('/runs')];
    const before = Date.now();
    const reply = await worker.post('/runs/claim', { worker_id: 'w-1', max: 2, lease_seconds: 60 });
    expect([reply.status, reply.body['next_cursor']]).toEqual([200, null]);
    const runs = dataOf(reply) as Run[];
    expect(idsOf(runs)).toEqual(idsOf(made.slice(0, 2)));
    const [run] = runs as [Run];
    expect(run).toMatchObject({ status: 'running', attempt: 1, revision: 2, lease: { worker_id: 'w-1' } });
    expect(run.lease_id).toMatch(/^[0-9a-f-]{36}$/);
    const { expires_at } = run['lease'] as { expires_at: string };
    expect(Date.parse(expires_at)).toBeGreaterThanOrEqual(before + 60_000);
    expect(Date.parse(expires_at)).toBeLessThanOrEqual(Date.now() + 60_000);
    const { lease_id, ...shown } = run;
    expect(await readRun(run.id)).toEqual(shown);
    const list = await worker.get('/runs?status=running');
    expect(JSON.stringify(list.body)).not.toContain(lease_id);
    expect(idsOf(dataOf(list)).sort()).toEqual(idsOf(runs).sort());
  });

  it('gives a run to one worker only', async () => {
    const run = await ann.made('/runs');
    expect(idsOf(await claim())).toEqual([run.id]);
    expect(await claim()).toEqual([]);
  });

  it('sees runs of every user of the project, and of no other', async () => {
    const bob = await project.caller('user');
    const runs = [await ann.made('/runs'), await bob.made('/runs')];
    const stranger = await (await newProject(server)).caller('worker');
    expect(await claim({ max: 10 }, stranger)).toEqual([]);
    expect(idsOf(await claim({ max: 10 }))).toEqual(idsOf(runs));
  });

  it('leaves runs alone that are running, over or cancelled', async () => {
    const [running, cancelled] = [await ann.made('/runs'), await ann.made('/runs')];
    await ann.patch(`/runs/${running.id}`, { status: 'running' });
    await ann.post(`/runs/${cancelled.id}/cancel`);
    expect(await claim({ max: 10 })).toEqual([]);
  });

  it('takes the filters of the list of runs', async () => {
    const task_id = randomUUID();
    const session = (await ann.made('/sessions')).id;
    const one = await ann.made('/runs', { source: 'a', kind: 'workflow', metadata: { team: 'red', n: 1 } });
    const two = await ann.made('/runs', { source: 'b', task_id });
    const three = await ann.made(`/sessions/${session}/runs`);
    const nothing = [
      { source: 'c' },
      { kind: 'job', source: 'a' },
      { 'metadata.team': 'blue' },
      { 'metadata.team': 'red', 'metadata.n': '2' },
      { status: 'running,completed' },
      { created_before: one['created_at'] },
      { started_after: '2000-01-01T00:00:00Z' },
      { parent_run_id: one.id },
      { user_id: randomUUID() },
    ];
    for (const filter of nothing) expect([filter, await claim({ filter })]).toEqual([filter, []]);
    expect(idsOf(await claim({ max: 9, filter: { task_id, status: 'queued' } }))).toEqual([two.id]);
    expect(idsOf(await claim({ max: 9, filter: { session_id: session } }))).toEqual([three.id]);
    const filter = { 'metadata.team': 'red', metadata: { n: '1' }, kind: 'workflow', root_run_id: one.id };
    expect(idsOf(await claim({ max: 9, filter }))).toEqual([one.id]);
  });

  it('finds a run by metadata that it was given later', async () => {
    const run = await ann.made('/runs', { metadata: { team: 'red' } });
    await ann.patch(`/runs/${run.id}`, { metadata: { team: 'blue' } });
    expect(await claim({ filter: { 'metadata.team': 'red' } })).toEqual([]);
    expect(idsOf(await claim({ filter: { 'metadata.team': 'blue' }, wait_seconds: 30 }))).toEqual([run.id]);
  });

  it('leaves an enqueued run alone until its holder is over', async () => {
    const session = (await ann.made('/sessions')).id;
    const holder = await ann.made(`/sessions/${session}/runs`);
    const next = await ann.made(`/sessions/${session}/runs`, { on_active_run: 'enqueue' });
    expect(idsOf(await claim({ max: 10 }))).toEqual([holder.id]);
    const waiting = claim({ wait_seconds: 30 });
    await ann.patch(`/runs/${holder.id}`, { status: 'completed' });
    expect(idsOf(await waiting)).toEqual([next.id]);
  });

  it('is for workers, operators and admins', async () => {
    const { lease_id, id } = await claimOneNew();
    for (const role of ['viewer', 'user', 'auditor'] as const) {
      const api = await project.caller(role);
      const replies = [
        await api.post('/runs/claim', { worker_id: 'w' }),
        await api.post(`/runs/${id}/heartbeat`, { lease_id }),
      ];
      expect([role, codes(replies)]).toEqual([role, replies.map(() => [403, 'forbidden'])]);
    }
    for (const role of ['operator', 'admin'] as const) {
      expect((await (await project.caller(role)).post(`/runs/${id}/heartbeat`, { lease_id })).status).toBe(
        200,
      );
    }
  });

  it.each([
    ['/worker_id', {}],
    ['/worker_id', { worker_id: '' }],
    ['/worker_id', { worker_id: 'x'.repeat(201) }],
    ['/max', { worker_id: 'w', max: 0 }],
    ['/max', { worker_id: 'w', max: 101 }],
    ['/lease_seconds', { worker_id: 'w', lease_seconds: 0 }],
    ['/lease_seconds', { worker_id: 'w', lease_seconds: 3_601 }],
    ['/wait_seconds', { worker_id: 'w', wait_seconds: 61 }],
    ['/wait_seconds', { worker_id: 'w', wait_seconds: -1 }],
    ['/nope', { worker_id: 'w', nope: 1 }],
    ['/filter', { worker_id: 'w', filter: 'all' }],
    ['/filter/limit', { worker_id: 'w', filter: { limit: 1 } }],
    ['/filter/kind', { worker_id: 'w', filter: { kind: 'x' } }],
    ['/filter/status/0', { worker_id: 'w', filter: { status: 'x' } }],
    ['/filter/task_id', { worker_id: 'w', filter: { task_id: 'x' } }],
    ['/filter/created_after', { worker_id: 'w', filter: { created_after: 'now' } }],
    ['/filter/metadata', { worker_id: 'w', filter: { metadata: 'red' } }],
  ] as [string, Body][])('refuses bad input: %s of %j', async (pointer, body) => {
    const { status, body: problem } = await worker.post('/runs/claim', body);
    expect([status, problem['code']]).toEqual([400, 'validation_failed']);
    expect(problem['errors']).toMatchObject([{ pointer }]);
  });
});

describe('a claim that waits', () => {
  it('has the run that is created meanwhile', async () => {
    const waiting = claim({ wait_seconds: 30 });
    const run = await ann.made('/runs');
    expect(idsOf(await waiting)).toEqual([run.id]);
  });

  it('answers nothing when none comes', async () => {
    expect(await claim({ wait_seconds: 1 })).toEqual([]);
  });

  it('does not claim for a client that has gone', async () => {
    const call = request(`${worker.url}/v1/runs/claim`, {
      method: 'POST',
      headers: { authorization: `Bearer ${worker.key}`, 'content-type': 'application/json' },
    });
    const left = once(call, 'error');
    call.end(JSON.stringify({ worker_id: 'gone', wait_seconds: 60 }));
    await once(call, 'finish');
    // Whatever comes later is answered later: by then the claim waits.
    await claim();
    call.destroy();
    await Promise.all([left.catch(() => undefined), worker.get('/me')]);
    const run = await ann.made('/runs');
    expect(idsOf(await claim({ wait_seconds: 30 }))).toEqual([run.id]);
  });
});

const claimOneNew = async (body: Body = {}, run: Body = {}): Promise<Run> => {
  await ann.made('/runs', run);
  return claimOne({ lease_seconds: 60, ...body });
};

describe('a heartbeat', () => {
  it('answers the lease, and leaves the revision of the run as it was', async () => {
    const { id, lease_id, lease, updated_at } = await claimOneNew();
    const reply = await worker.post(`/runs/${id}/heartbeat`, { lease_id });
    expect([reply.status, reply.body]).toEqual([200, { lease }]);
    expect(await readRun(id)).toMatchObject({ revision: 2, updated_at, lease });
  });

  it('prolongs a lease of which a quarter is gone', async () => {
    const run = await claimOneNew({ lease_seconds: 20 });
    const first = (run['lease'] as { expires_at: string }).expires_at;
    let beaten = first;
    while (beaten === first) {
      const reply = await worker.post(`/runs/${run.id}/heartbeat`, { lease_id: run.lease_id });
      beaten = (reply.body['lease'] as { expires_at: string }).expires_at;
      await pause(20);
    }
    expect(Date.parse(beaten) - Date.parse(first)).toBeGreaterThanOrEqual(5_000);
    expect(await readRun(run.id)).toMatchObject({ revision: 2, lease: { expires_at: beaten } });
  });

  it('is refused for a lease that is not the run’s, with the status of the run', async () => {
    const { id, lease_id } = await claimOneNew();
    const stale = await worker.post(`/runs/${id}/heartbeat`, { lease_id: randomUUID() });
    expect(stale.body).toMatchObject({ status: 409, code: 'lease_lost', run_status: 'running' });
    await ann.post(`/runs/${id}/cancel`);
    const cancelled = await worker.post(`/runs/${id}/heartbeat`, { lease_id });
    expect(cancelled.body).toMatchObject({ status: 409, code: 'lease_lost', run_status: 'cancelled' });
    expect(await readRun(id)).toMatchObject({ status: 'cancelled', lease: null });
  });

  it('is refused without a good lease id, or for a run that is not there', async () => {
    const { id } = await claimOneNew();
    for (const body of [{}, { lease_id: 'x' }, { lease_id: 1 }]) {
      const { body: problem } = await worker.post(`/runs/${id}/heartbeat`, body);
      expect(problem).toMatchObject({ code: 'validation_failed', errors: [{ pointer: '/lease_id' }] });
    }
    const lease_id = randomUUID();
    expect((await worker.post(`/runs/${randomUUID()}/heartbeat`, { lease_id })).status).toBe(404);
    const stranger = await (await newProject(server)).caller('worker');
    expect((await stranger.post(`/runs/${id}/heartbeat`, { lease_id })).status).toBe(404);
  });
});

describe('a change that names its lease', () => {
  const changes = (id: string, lease: string) => {
    const headers = { 'lease-id': lease };
    return [
      worker.patch(`/runs/${id}`, { metadata: { a: 1 } }, headers),
      worker.post(`/runs/${id}/logs`, { entries: [{ message: 'x' }] }, headers),
      worker.post(`/runs/${id}/heartbeat`, { lease_id: lease }, headers),
      worker.post(`/runs/${id}/cancel`, {}, headers),
    ];
  };

  it('is taken while the lease is the run’s', async () => {
    const { id, lease_id } = await claimOneNew();
    const headers = { 'lease-id': lease_id };
    const logged = await worker.post(`/runs/${id}/logs`, { entries: [{ message: 'x' }] }, headers);
    const done = await worker.patch(`/runs/${id}`, { status: 'completed', output: 1 }, headers);
    const again = await worker.patch(`/runs/${id}`, { status: 'completed', output: 1 }, headers);
    const late = await worker.post(`/runs/${id}/logs`, { entries: [{ message: 'late' }] }, headers);
    expect(codes([logged, done, again, late]).map(([status]) => status)).toEqual([201, 200, 200, 201]);
    expect(again.body).toEqual(done.body);
    expect(done.body).toMatchObject({ status: 'completed', lease: null });
  });

  it('is refused when the lease is stale, and changes nothing', async () => {
    const { id } = await claimOneNew();
    for (const reply of await Promise.all(changes(id, randomUUID()))) {
      expect(reply.body).toMatchObject({
        status: 409,
        code: 'lease_lost',
        run_status: 'running',
        retryable: false,
      });
    }
    expect(await readRun(id)).toMatchObject({ status: 'running', metadata: {}, revision: 2 });
  });

  it('is refused when it names no UUID', async () => {
    const { id } = await claimOneNew();
    for (const reply of await Promise.all(changes(id, 'x').filter((_, n) => n !== 2))) {
      expect(reply.body).toMatchObject({ code: 'validation_failed', errors: [{ parameter: 'Lease-Id' }] });
    }
  });

  it('is not needed by anybody else', async () => {
    const { id } = await claimOneNew();
    expect((await ann.patch(`/runs/${id}`, { metadata: { a: 1 } })).status).toBe(200);
    expect((await ann.post(`/runs/${id}/cancel`)).body['status']).toBe('cancelled');
  });
});

describe('a run whose lease expires', () => {
  it('is pending again, and claimed by the next, who locks the first one out', async () => {
    const session = (await ann.made('/sessions')).id;
    const made = await ann.made(`/sessions/${session}/runs`);
    const first = await claimOne({ lease_seconds: 1, worker_id: 'first' });
    const second = await claimOne({ lease_seconds: 60, worker_id: 'second', wait_seconds: 30 });
    expect([first.id, second.id]).toEqual([made.id, made.id]);
    expect(second).toMatchObject({ attempt: 2, lease: { worker_id: 'second' } });
    expect(second['started_at']).toBe(first['started_at']);
    const headers = { 'lease-id': first.lease_id };
    const late = [
      await worker.post(`/runs/${made.id}/heartbeat`, { lease_id: first.lease_id }),
      await worker.patch(`/runs/${made.id}`, { status: 'completed' }, headers),
      await worker.post(`/runs/${made.id}/logs`, { entries: [{ message: 'x' }] }, headers),
    ];
    expect(codes(late)).toEqual(late.map(() => [409, 'lease_lost']));
    await worker.patch(`/runs/${made.id}`, { status: 'completed' }, { 'lease-id': second.lease_id });
    const { body } = await ann.get(`/sessions/${session}`);
    expect(body['run_counts']).toEqual({ pending: 0, running: 0, completed: 1, failed: 0, cancelled: 0 });
  });

  it('holds its session while it is pending again', async () => {
    const session = (await ann.made('/sessions')).id;
    const { id } = await ann.made(`/sessions/${session}/runs`);
    await claim({ lease_seconds: 1 });
    await runThat(id, ({ status }) => status === 'pending');
    expect(codes([await ann.post(`/sessions/${session}/runs`)])).toEqual([[409, 'session_busy']]);
    const { body } = await ann.get(`/sessions/${session}`);
    expect(body['run_counts']).toMatchObject({ pending: 1, running: 0 });
    expect(idsOf(dataOf(await ann.get('/runs?status=pending')))).toEqual([id]);
  });

  it('has failed as orphaned after its last attempt', async () => {
    const { id, lease_id } = await claimOneNew({ lease_seconds: 1, worker_id: 'lost' }, { max_attempts: 1 });
    expect(await runThat(id, ({ status }) => status !== 'running')).toMatchObject({
      status: 'failed',
      done_reason: 'orphaned',
      attempt: 1,
      error: { code: 'orphaned', message: expect.stringContaining('lost') },
      lease: null,
    });
    const late = await worker.patch(`/runs/${id}`, { output: 1 }, { 'lease-id': lease_id });
    expect(late.body).toMatchObject({ code: 'lease_lost', run_status: 'failed' });
  });
});

it('gives every run to exactly one of many workers', async () => {
  const runs: string[] = [];
  const claimed: string[] = [];
  const all = 300;
  const work = async (n: number): Promise<void> => {
    while (claimed.length < all) {
      const body = { worker_id: `w-${n}`, max: 1 + (n % 3), wait_seconds: 1, lease_seconds: 3_600 };
      const got = await claim(body);
      claimed.push(...got.map(({ id }) => id));
    }
  };
  const create = async (): Promise<void> => {
    for (let n = 0; n < all / 4; n++) runs.push((await ann.made('/runs')).id);
  };
  await Promise.all([
    ...Array.from({ length: 8 }, (_, n) => work(n)),
    ...Array.from({ length: 4 }, () => create()),
  ]);
  expect(claimed.sort()).toEqual(runs.sort());
});

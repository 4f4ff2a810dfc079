import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Api, type Body, dataOf, newProject, type Reply } from '../support/api.js';
import { Receiver } from '../support/receiver.js';
import { type Server, startServer } from '../support/server.js';
import { Watch } from '../support/sse.js';
import { until } from '../support/supervised-service.js';

let server: Server;
let project: Awaited<ReturnType<typeof newProject>>;
let user: Api;
let worker: Api;
let operator: Api;
const receivers: Receiver[] = [];

beforeAll(async () => {
  server = await startServer({ WEBHOOKS_ALLOW_PRIVATE: 'true' });
});
afterAll(async () => {
  await server.stop();
});
beforeEach(async () => {
  project = await newProject(server);
  [user, worker, operator] = await Promise.all([
    project.caller('user'),
    project.caller('worker'),
    project.caller('operator'),
  ]);
});
afterEach(async () => {
  await Promise.all(receivers.splice(0).map((receiver) => receiver.stop()));
});

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const idOf = async (path: string, body: object = {}): Promise<string> => (await user.made(path, body)).id;
const move = (run: string, status: string): Promise<Reply> => worker.patch(`/runs/${run}`, { status });
const log = (run: string, ...entries: Body[]): Promise<Reply> =>
  worker.post(`/runs/${run}/logs`, { entries });
const shell = (run: string, script: string, more: Body = {}): Promise<string> =>
  idOf(`/runs/${run}/processes`, { command: 'sh', args: ['-c', script], ...more });
const ended = async (id: string): Promise<Body> => (await user.get(`/processes/${id}/wait`)).body;
const messages = async (run: string, query = ''): Promise<unknown[]> =>
  dataOf(await user.get(`/runs/${run}/logs${query}`)).map(({ message }) => message);

/** A run that has ended, with one line from long ago and one from now. */
async function runWithOldLine(body: Body = {}): Promise<string> {
  const run = await idOf('/runs', body);
  await move(run, 'running');
  await log(run, { message: 'old', ts: '2020-01-01T00:00:00Z' });
  await log(run, { message: 'new' });
  await move(run, 'completed');
  return run;
}

async function sweep(): Promise<void> {
  const { headers } = await operator.post('/retention/apply');
  const operation = String(headers.get('location')).replace('/v1', '');
  await until(async () => (await operator.get(operation)).body['status'] === 'succeeded');
}

describe('runs', () => {
  test('0100: every run has an id of its own, and is there with it after a crash', async () => {
    const first = await startServer();
    const before = new Api(first.url, first.key);
    const runs = [await before.made('/runs'), await before.made('/runs')];
    await first.kill();
    const second = await startServer(first.data);
    const after = new Api(second.url, first.key);
    for (const run of runs) {
      expect(run.id).toMatch(uuid);
      expect((await after.get(`/runs/${run.id}`)).body).toEqual(run);
    }
    expect(new Set(runs.map(({ id }) => id)).size).toBe(2);
    await second.stop();
  });

  test('0101: a run belongs to a task, and to a job if there is one', async () => {
    const [task_id, job_id] = [randomUUID(), randomUUID()];
    expect(await user.made('/runs', { task_id, job_id })).toMatchObject({ task_id, job_id });
    const alone = await user.made('/runs');
    expect([alone['task_id'], alone['job_id']]).toEqual([expect.stringMatching(uuid), null]);
  });

  test('0102: a run may have a parent run, and takes its task from there', async () => {
    const top = await user.made('/runs');
    const step = await user.made('/runs', { parent_run_id: top.id });
    const agent = await user.made('/runs', { parent_run_id: step.id });
    expect(agent).toMatchObject({ parent_run_id: step.id, root_run_id: top.id, task_id: top['task_id'] });
    const tree = dataOf(await user.get(`/runs/${top.id}/tree`));
    expect(tree.map(({ id, depth }) => [id, depth])).toEqual([
      [top.id, 0],
      [step.id, 1],
      [agent.id, 2],
    ]);
  });

  test('0103: runs are created, read, and listed by task, job, session, parent, time range and status', async () => {
    const session = await idOf('/sessions');
    const before = await user.made('/runs');
    const names = { task_id: randomUUID(), job_id: randomUUID() };
    const run = await user.made(`/sessions/${session}/runs`, names);
    const child = await user.made('/runs', { parent_run_id: run.id });
    await move(child.id, 'running');
    expect((await user.get(`/runs/${run.id}`)).body).toEqual(run);
    const filters = {
      [`task_id=${names.task_id}`]: [child.id, run.id],
      [`job_id=${names.job_id}`]: [run.id],
      [`session_id=${session}`]: [run.id],
      [`parent_run_id=${run.id}`]: [child.id],
      [`created_after=${String(before['created_at'])}&status=pending`]: [run.id],
      [`created_before=${String(run['created_at'])}`]: [before.id],
      [`task_id=${names.task_id}&status=running`]: [child.id],
    };
    for (const [filter, ids] of Object.entries(filters)) {
      await worker.post('/runs');
      expect([filter, await user.ids(`/runs?${filter}`)]).toEqual([filter, ids]);
    }
  });
});

describe('sessions', () => {
  test('0104: sessions are created and listed', async () => {
    const ids = [await idOf('/sessions', { title: 'one' }), await idOf('/sessions', { title: 'two' })];
    expect(await user.ids('/sessions')).toEqual(ids.reverse());
  });

  test('0105: a session may have a parent session', async () => {
    const parent = await idOf('/sessions');
    const child = await user.made('/sessions', { parent_session_id: parent });
    expect(child['parent_session_id']).toBe(parent);
    expect(await user.ids(`/sessions?parent_session_id=${parent}`)).toEqual([child.id]);
  });

  test('0106: a run may belong to a session', async () => {
    const session = await idOf('/sessions');
    expect((await user.made('/runs', { session_id: session }))['session_id']).toBe(session);
    expect((await user.made('/runs'))['session_id']).toBeNull();
  });

  test('0107: a session spawns sub-sessions, lists its runs, and takes new work', async () => {
    const session = await idOf('/sessions');
    const spawned = await idOf(`/sessions/${session}/sessions`, { title: 'sub' });
    const first = await idOf(`/sessions/${session}/runs`);
    await move(first, 'running');
    await move(first, 'completed');
    const second = await idOf(`/sessions/${session}/runs`);
    expect(await user.ids(`/sessions/${session}/sessions`)).toEqual([spawned]);
    expect(await user.ids(`/sessions/${session}/runs`)).toEqual([second, first]);
  });
});

describe('logs and transcripts', () => {
  test('0108: stdout, stderr and structured events attach to a run', async () => {
    const run = await idOf('/runs');
    const entries = [
      { stream: 'stdout', message: 'out' },
      { stream: 'stderr', message: 'err', level: 'warn' },
      { stream: 'event', message: 'cache', attributes: { hit: true } },
    ];
    await log(run, ...entries);
    expect(dataOf(await user.get(`/runs/${run}/logs`))).toMatchObject(entries);
  });

  test('0109: logs are retrieved by run and time range, and retention removes the old ones', async () => {
    const run = await runWithOldLine();
    expect(await messages(run, '?to=2021-01-01T00:00:00Z')).toEqual(['old']);
    expect(await messages(run, '?from=2021-01-01T00:00:00Z')).toEqual(['new']);
    await operator.call('PUT', '/retention/policies/project/logs', { max_age: 'P30D' });
    await sweep();
    const gone = await user.get(`/runs/${run}/logs?after_seq=0`);
    expect([gone.status, gone.body['code'], gone.body['earliest_seq']]).toEqual([410, 'gone', 2]);
    expect(await messages(run)).toEqual(['new']);
  });

  test('0110: transcripts are stored by session or run, for as long as a policy says', async () => {
    const session = await idOf('/sessions');
    const run = await idOf(`/sessions/${session}/runs`);
    for (const owner of [`sessions/${session}`, `runs/${run}`]) {
      await user.post(`/${owner}/transcript`, { segments: [{ role: 'user', content: `of ${owner}` }] });
      const [segment] = dataOf(await user.get(`/${owner}/transcript`));
      expect(segment).toMatchObject({ content: `of ${owner}`, retention: { policy: null, state: 'live' } });
    }
    await operator.call('PUT', `/retention/policies/session:${session}/transcripts`, { max_age: 'P90D' });
    const [kept] = dataOf(await user.get(`/sessions/${session}/transcript`));
    expect(kept?.['retention']).toMatchObject({ expires_at: expect.stringMatching(/Z$/) });
  });

  test('0111: logs and transcript segments are appended and read, of sessions and runs', async () => {
    const session = await idOf('/sessions');
    const run = await idOf(`/sessions/${session}/runs`);
    expect((await log(run, { message: 'one' }, { message: 'two' })).body).toMatchObject({ count: 2 });
    expect(await messages(run)).toEqual(['one', 'two']);
    for (const owner of [`sessions/${session}`, `runs/${run}`]) {
      const segments = [{ content: 'hello' }, { content: 'hi' }];
      const appended = await worker.post(`/${owner}/transcript`, { segments });
      expect([appended.status, appended.body]).toEqual([201, { first_seq: 1, last_seq: 2, count: 2 }]);
      expect(dataOf(await user.get(`/${owner}/transcript?after_seq=1`))).toMatchObject([{ content: 'hi' }]);
    }
  });
});

describe('live updates', () => {
  test('0112: a change of status is seen by polling, and sent to webhooks and subscribers', async () => {
    const receiver = await Receiver.start();
    receivers.push(receiver);
    await operator.made('/webhooks', { url: receiver.url, event_pattern: 'run.*' });
    const run = await idOf('/runs');
    const watch = await Watch.open(`${server.url}/v1/runs/${run}/events`, user.key);
    await move(run, 'running');
    expect((await user.get(`/runs/${run}`)).body['status']).toBe('running');
    await move(run, 'completed');
    const wanted = ['run.created', 'run.started', 'run.completed'];
    const frames = await watch.until(({ event }) => event === 'end');
    expect(frames.map(({ event }) => event)).toEqual(['snapshot', ...wanted, 'end']);
    const sent = (await receiver.count(3)).map(({ event }) => event['type']);
    expect(new Set(sent)).toEqual(new Set(wanted));
  });

  test('0113: status and the tail of the log are streamed until the run ends', async () => {
    const run = await idOf('/runs');
    await move(run, 'running');
    await log(run, { message: 'before' });
    const tail = await Watch.open(`${server.url}/v1/runs/${run}/logs`, user.key);
    const status = await Watch.open(`${server.url}/v1/runs/${run}/events?starting_after=2`, user.key);
    await log(run, { message: 'after' });
    await move(run, 'failed');
    const lines = await tail.until(({ event }) => event === 'end');
    expect(lines.map(({ event, id, data }) => [event, id, data['message']])).toEqual([
      ['log', '1', 'before'],
      ['log', '2', 'after'],
      ['end', undefined, undefined],
    ]);
    const events = await status.until(({ event }) => event === 'end');
    expect(events.map(({ event }) => event)).toEqual(['snapshot', 'run.failed', 'end']);
  });
});

describe('processes', () => {
  test('0114: they are started, listed and terminated inside a sandbox with limits, away from the host', async () => {
    const run = await idOf('/runs');
    await user.made(`/runs/${run}/sandbox`, { limits: { max_processes: 2 } });
    const sleeper = await shell(run, 'sleep 600', { timeout_seconds: 100_000 });
    expect((await user.get(`/processes/${sleeper}`)).body['timeout_seconds']).toBe(10_800);
    const spy = await shell(run, `cat ${server.dataDir}/api-key || kill -0 ${server.pid}`);
    expect((await ended(spy))['exit_code']).not.toBe(0);
    const second = await shell(run, 'sleep 600');
    const third = await user.post(`/runs/${run}/processes`, { command: 'true' });
    expect([third.status, third.body['code']]).toEqual([409, 'too_many_processes']);
    // What was refused stays on record too.
    expect(await user.ids(`/runs/${run}/processes`)).toEqual(expect.arrayContaining([sleeper, spy, second]));
    await user.post(`/processes/${sleeper}/terminate`);
    expect(await ended(sleeper)).toMatchObject({ status: 'killed', signal: 'SIGTERM' });
    await user.delete(`/runs/${run}/sandbox?wait=true&grace_seconds=0`);
    expect((await user.get(`/processes/${second}`)).body['status']).toBe('killed');
  });

  test('0115: each operation on a process is on record, by run and task', async () => {
    const run = await user.made('/runs');
    const id = await shell(run.id, 'sleep 600');
    expect((await user.get(`/processes/${id}`)).body).toMatchObject({
      run_id: run.id,
      task_id: run['task_id'],
    });
    await user.post(`/processes/${id}/terminate`);
    await ended(id);
    const { principal_id } = (await user.get('/me')).body;
    const { key } = await project.caller('auditor');
    const events = await fetch(
      `${server.url}/v1/audit/events?stream=process-${id}&actor=${String(principal_id)}`,
      {
        headers: { authorization: `Bearer ${key}` },
      },
    );
    const lines = (await events.text()).trim().split('\n');
    expect(lines.map((line) => JSON.parse(line) as Body)).toMatchObject([
      { type: 'ProcessRequested', data: { run_id: run.id, task_id: run['task_id'] } },
      { type: 'ProcessTerminationRequested', data: { signal: 'SIGTERM' } },
    ]);
  });

  test('0116: its start, stdout, stderr and exit status are shown, and its output is in the log of the run', async () => {
    const run = await idOf('/runs');
    const id = await shell(run, 'echo out; echo err >&2; exit 3');
    const process = await ended(id);
    expect(process).toMatchObject({
      status: 'exited',
      exit_code: 3,
      started_at: expect.stringMatching(/Z$/),
    });
    for (const [stream, text] of [
      ['stdout', 'out\n'],
      ['stderr', 'err\n'],
    ] as const) {
      const headers = { authorization: `Bearer ${user.key}` };
      const reply = await fetch(`${server.url}/v1/processes/${id}/output?stream=${stream}`, { headers });
      expect([stream, await reply.text(), reply.headers.get('output-closed')]).toEqual([
        stream,
        text,
        'true',
      ]);
    }
    await until(async () => (await messages(run)).length === 2);
    expect((await messages(run)).sort()).toEqual(['err', 'out']);
  });

  test('0117: the run tells of its processes', async () => {
    const run = await idOf('/runs');
    await ended(await shell(run, 'true'));
    const counts = async (): Promise<unknown> => (await user.get(`/runs/${run}`)).body['process_counts'];
    await until(async () => ((await counts()) as Body)['ended'] === 1);
    expect(await counts()).toEqual({ starting: 0, running: 0, ended: 1 });
    const path = `/runs/${run}/events?types=process.started,process.exited`;
    await until(async () => dataOf(await user.get(path)).length === 2);
    expect(dataOf(await user.get(path)).map(({ type }) => type)).toEqual([
      'process.started',
      'process.exited',
    ]);
  });
});

describe('retention', () => {
  test('0118: logs and transcripts are kept for so many days, or so many bytes', async () => {
    const run = await runWithOldLine();
    const preview = async (limits: Body): Promise<unknown> =>
      (await operator.post('/retention/preview', { scope: 'project', kind: 'logs', ...limits })).body[
        'count'
      ];
    expect([await preview({ max_age: 'P30D' }), await preview({ max_bytes: 1 })]).toEqual([1, 2]);
    for (const kind of ['logs', 'transcripts']) {
      for (const limits of [{ max_age: 'P30D' }, { max_bytes: 1_000_000 }]) {
        const reply = await operator.call('PUT', `/retention/policies/project/${kind}`, limits);
        expect([reply.status, reply.body]).toMatchObject([200, limits]);
      }
    }
    expect(await messages(run)).toEqual(['old', 'new']);
  });

  test('0119: it is set for the service or for a project, the nearer one holds, everywhere the same', async () => {
    const admin = new Api(server.url, server.key);
    const [run, other] = [await idOf('/runs'), await (await newProject(server)).caller('user')];
    const elsewhere = (await other.made('/runs')).id;
    const policyOf = async (api: Api, id: string): Promise<unknown> => {
      const { body } = await api.get(`/runs/${id}/retention`);
      return JSON.stringify(body);
    };
    await admin.call('PUT', '/retention/policies/default/logs', { max_age: 'P365D' });
    await operator.call('PUT', '/retention/policies/project/logs', { max_age: 'P30D' });
    expect(await policyOf(user, run)).toContain('P30D');
    expect(await policyOf(other, elsewhere)).toContain('P365D');
    await operator.delete('/retention/policies/project/logs');
    expect(await policyOf(user, run)).toContain('P365D');
    await admin.delete('/retention/policies/default/logs');
  });

  test('0120: what expired is purged, and every record that names the run or session still resolves', async () => {
    const session = await idOf('/sessions', { title: 'kept' });
    const run = await runWithOldLine({ session_id: session });
    await operator.call('PUT', '/retention/policies/project/logs', { max_bytes: 1 });
    await sweep();
    expect((await user.get(`/runs/${run}/logs`)).status).toBe(410);
    expect((await user.get(`/runs/${run}`)).body).toMatchObject({ id: run, status: 'completed' });
    expect((await user.get(`/sessions/${session}`)).body).toMatchObject({ title: 'kept' });
    const auditor = await project.caller('auditor');
    for (const subject of [`runs/${run}`, `sessions/${session}`]) {
      expect(dataOf(await auditor.get(`/${subject}/audit`)).length).toBeGreaterThan(0);
    }
    const timeline = dataOf(await user.get(`/runs/${run}/events`)).map(({ type }) => type);
    expect(timeline).toEqual(['run.created', 'run.started', 'run.completed']);
  });
});

import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Api, type Body, dataOf, newProject, type Role } from './support/api.js';
import { ordinaryUser } from './support/ordinary-user.js';
import { type Server, startServer } from './support/server.js';
import { Watch } from './support/sse.js';

let server: Server;
let user: Api;
let operator: Api;
let project: Awaited<ReturnType<typeof newProject>>;
const caller = (role: Role): Promise<Api> => project.caller(role);
beforeAll(async () => {
  server = await startServer();
  project = await newProject(server);
  user = await caller('user');
  operator = await caller('operator');
});
afterAll(async () => {
  await server.stop();
});

const newRun = async (body: Body = {}): Promise<string> => (await user.made('/runs', body)).id;
const start = (run: string, command: string, ...args: string[]) =>
  user.made(`/runs/${run}/processes`, { command, args });
const shell = (run: string, script: string, more: Body = {}) =>
  user.made(`/runs/${run}/processes`, { command: 'sh', args: ['-c', script], ...more });
const ended = async (id: string): Promise<Body> => {
  const { status, body } = await user.get(`/processes/${id}/wait`);
  expect(status).toBe(200);
  return body;
};
const output = async (id: string, query = '') => {
  const response = await fetch(`${user.url}/v1/processes/${id}/output?${query}`, {
    headers: { authorization: `Bearer ${user.key}` },
  });
  return {
    status: response.status,
    bytes: Buffer.from(await response.arrayBuffer()),
    next: response.headers.get('output-next-offset'),
    closed: response.headers.get('output-closed'),
  };
};
const text = async (id: string, query = ''): Promise<string> => (await output(id, query)).bytes.toString();
const give = (id: string, bytes: string, query = '', headers = {}) =>
  fetch(`${user.url}/v1/processes/${id}/stdin${query}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${user.key}`, 'content-type': 'application/octet-stream', ...headers },
    body: bytes,
  });
const follow = (id: string, query = '', headers = {}) =>
  Watch.open(`${user.url}/v1/processes/${id}/output?${query}`, user.key, headers);
/** Waits until a process has written this. */
const untilWritten = async (id: string, wanted: string): Promise<void> => {
  const watch = await follow(id);
  let seen = '';
  for await (const { event, data } of watch) {
    if (event === 'output') seen += Buffer.from(String(data['base64']), 'base64').toString();
    if (seen.includes(wanted) || event === 'end') break;
  }
  watch.close();
};
const isAlive = (pid: unknown): boolean =>
  existsSync(`/proc/${String(pid)}/exe`) || existsSync(`/proc/${String(pid)}`);

describe('a sandbox', () => {
  it('is opened, read and closed', async () => {
    const run = await newRun();
    const opened = await user.post(`/runs/${run}/sandbox`, { limits: { max_processes: 2 } });
    expect(opened.status).toBe(201);
    expect(opened.body).toMatchObject({
      run_id: run,
      driver: 'local',
      status: 'open',
      host_id: expect.any(String),
      workdir: expect.any(String),
      limits: { cpu_cores: null, memory_mb: null, pids: null, max_processes: 2 },
      limits_enforced: [],
      isolation: expect.arrayContaining(['pid_namespace']),
      allow_detached: false,
      closed_at: null,
    });
    const read = await user.get(`/runs/${run}/sandbox`);
    expect(read.body).toEqual(opened.body);
    expect(read.headers.get('etag')).toBe(opened.headers.get('etag'));
    const stale = await user.delete(`/runs/${run}/sandbox`, { 'if-match': '"99"' });
    expect([stale.status, stale.body['code']]).toEqual([412, 'revision_mismatch']);
    expect(await user.delete(`/runs/${run}/sandbox?wait=true`)).toMatchObject({
      status: 200,
      body: { status: 'closed', reason: 'requested', closed_at: expect.any(String) },
    });
    expect(await user.get(`/runs/${run}/sandbox`)).toMatchObject({ body: { status: 'closed' } });
  });

  it('is one at a time for a run, and another once it is closed', async () => {
    const run = await newRun();
    const first = await user.made(`/runs/${run}/sandbox`);
    expect(await user.post(`/runs/${run}/sandbox`)).toMatchObject({
      status: 409,
      body: { code: 'sandbox_exists', sandbox_id: first.id },
    });
    await user.delete(`/runs/${run}/sandbox?wait=true`);
    expect((await user.made(`/runs/${run}/sandbox`)).id).not.toBe(first.id);
  });

  it('is opened once however many ask at the same time', async () => {
    const run = await newRun();
    const replies = await Promise.all(Array.from({ length: 5 }, () => user.post(`/runs/${run}/sandbox`)));
    expect(replies.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409]);
  });

  it('is answered again with the same key', async () => {
    const run = await newRun();
    const key = { 'idempotency-key': randomUUID() };
    const first = await user.post(`/runs/${run}/sandbox`, {}, key);
    const again = await user.post(`/runs/${run}/sandbox`, {}, key);
    expect(again).toMatchObject({ status: 201, body: first.body });
    expect(again.headers.get('idempotent-replayed')).toBe('true');
  });

  it('is not there before it was opened, nor for others', async () => {
    const run = await newRun();
    expect(await user.get(`/runs/${run}/sandbox`)).toMatchObject({
      status: 404,
      body: { code: 'not_found' },
    });
    expect(await user.delete(`/runs/${run}/sandbox`)).toMatchObject({ status: 404 });
    await user.made(`/runs/${run}/sandbox`);
    const other = await caller('user');
    expect(await other.get(`/runs/${run}/sandbox`)).toMatchObject({ status: 404 });
    expect(await other.post(`/runs/${run}/sandbox`)).toMatchObject({ status: 404 });
  });

  it('is refused to a run that is over', async () => {
    const run = await newRun();
    await user.post(`/runs/${run}/cancel`);
    expect(await user.post(`/runs/${run}/sandbox`)).toMatchObject({
      status: 409,
      body: { code: 'run_terminal' },
    });
  });

  it.each([
    ['/limits/cpu_cores', { limits: { cpu_cores: 0 } }],
    ['/limits/memory_mb', { limits: { memory_mb: '64' } }],
    ['/limits/pids', { limits: { pids: 0 } }],
    ['/limits/nope', { limits: { nope: 1 } }],
    ['/allow_detached', { allow_detached: 'yes' }],
  ])('is refused with a pointer to what is wrong: %s', async (pointer, body) => {
    const run = await newRun();
    expect(await user.post(`/runs/${run}/sandbox`, body)).toMatchObject({
      status: 400,
      body: { code: 'validation_failed', errors: [{ pointer }] },
    });
  });

  it('leaves no process alive when it is closed, even one that does not listen', async () => {
    const run = await newRun();
    const script = 'trap "" TERM; echo ready; while :; do sleep 1; done';
    const { id, pid } = await shell(run, script);
    await untilWritten(id, 'ready');
    expect(isAlive(pid)).toBe(true);
    await user.delete(`/runs/${run}/sandbox?wait=true&grace_seconds=0`);
    expect(isAlive(pid)).toBe(false);
    expect(await ended(id)).toMatchObject({ status: 'killed', reason: 'sandbox_closed' });
  });
});

describe('the limits of a sandbox', () => {
  let server: Server;
  let user: Api;
  beforeAll(async () => {
    // Root could hold the processes to them, and there would be nothing to refuse.
    const nobody = ordinaryUser();
    server = await startServer({}, typeof nobody === 'string' ? undefined : nobody);
    user = await (await newProject(server)).caller('user');
  });
  afterAll(async () => {
    await server.stop();
  });

  it('are enforced, or refused, or left out and told where the caller has agreed to that', async () => {
    const run = (await user.made('/runs')).id;
    const limits = { memory_mb: 64 };
    const opened = await user.post(`/runs/${run}/sandbox`, { limits, best_effort: true });
    expect(opened).toMatchObject({ status: 201, body: { limits, best_effort: true } });
    const enforced = opened.body['limits_enforced'] as string[];
    const { id } = await user.made(`/runs/${run}/processes`, { command: 'true' });
    expect((await user.get(`/processes/${id}/wait`)).body).toMatchObject({ status: 'exited', exit_code: 0 });
    await user.delete(`/runs/${run}/sandbox?wait=true`);

    const strict = await user.post(`/runs/${run}/sandbox`, { limits });
    if (typeof ordinaryUser() !== 'string') expect(enforced).toEqual([]);
    if (enforced.length === 0) {
      expect(strict).toMatchObject({ status: 422, body: { code: 'limit_not_enforceable' } });
      expect(strict.body['detail']).toContain('memory_mb');
      // What was refused stands in nobody's way.
      expect(await user.post(`/runs/${run}/sandbox`)).toMatchObject({ status: 201 });
    } else {
      expect(enforced).toEqual(['memory_mb']);
      expect(strict).toMatchObject({ status: 201, body: { limits_enforced: enforced, best_effort: false } });
    }
  });
});

describe('a process', () => {
  it('is started in a sandbox of its own making, and ends on record', async () => {
    const run = await newRun();
    const { body: task } = await user.get(`/runs/${run}`);
    const started = await user.post(`/runs/${run}/processes`, {
      command: 'sh',
      args: ['-c', 'echo out $GREETING; echo err >&2; exit 3'],
      env: { GREETING: 'hello' },
    });
    expect(started.status).toBe(201);
    expect(started.headers.get('location')).toBe(`/v1/processes/${String(started.body['id'])}`);
    expect(started.body).toMatchObject({
      run_id: run,
      task_id: task['task_id'],
      command: 'sh',
      env_keys: ['GREETING'],
      cwd: '.',
      detached: false,
      timeout_seconds: 3_600,
      sandbox_id: (await user.get(`/runs/${run}/sandbox`)).body['id'],
    });
    const id = String(started.body['id']);
    const done = await ended(id);
    expect(done).toMatchObject({
      status: 'exited',
      exit_code: 3,
      signal: null,
      reason: null,
      pid: expect.any(Number),
      output: { stdout: { bytes: 10, truncated: false }, stderr: { bytes: 4, truncated: false } },
      started_at: expect.any(String),
      ended_at: expect.any(String),
    });
    expect((await user.get(`/processes/${id}`)).body).toEqual(done);
    expect([await text(id), await text(id, 'stream=stderr')]).toEqual(['out hello\n', 'err\n']);
  });

  it('is told of by its run: in the timeline, the log and the counts', async () => {
    const session = await user.made('/sessions');
    const run = await newRun({ session_id: session.id });
    const { id } = await shell(run, 'printf "one\\r\\ntwo\\n"; printf three; echo bad >&2');
    await ended(id);
    await user.patch(`/runs/${run}`, { status: 'running' });
    await user.patch(`/runs/${run}`, { status: 'completed' });
    const events = dataOf(await user.get(`/runs/${run}/events?types=process.started,process.exited`));
    expect(events).toMatchObject([
      { type: 'process.started', session_id: session.id, data: { process_id: id, command: 'sh' } },
      { type: 'process.exited', data: { process_id: id, status: 'exited', exit_code: 0 } },
    ]);
    const log = dataOf(await user.get(`/runs/${run}/logs?stream=stdout`));
    expect(log.map(({ message }) => message)).toEqual(['one', 'two', 'three']);
    expect(log[0]).toMatchObject({ attributes: { process_id: id } });
    expect(dataOf(await user.get(`/runs/${run}/logs?stream=stderr`))).toMatchObject([{ message: 'bad' }]);
    const counts = { starting: 0, running: 0, ended: 1 };
    expect((await user.get(`/runs/${run}`)).body).toMatchObject({ process_counts: counts });
    expect((await user.get(`/sessions/${session.id}`)).body).toMatchObject({ process_counts: counts });
  });

  it('is in the log of its run, whole, for who has waited for it', async () => {
    const run = await newRun();
    const messages = async (reader: Api, token = {}): Promise<unknown[]> =>
      dataOf(await reader.get(`/runs/${run}/logs?tail=1`, token)).map(({ message }) => message);
    for (let round = 0; round < 5; round++) {
      const { id } = await shell(run, `echo begun; printf ${round}`);
      const { headers } = await user.get(`/processes/${id}/wait`);
      expect(await messages(user)).toEqual([String(round)]);
      const token = { 'consistency-token': String(headers.get('consistency-token')) };
      expect(await messages(operator, token)).toEqual([String(round)]);
    }
  });

  it('has ended in the past too once its run is over, which tells no more of it', async () => {
    const session = await user.made('/sessions');
    const run = await newRun({ session_id: session.id });
    const long = await start(run, 'sleep', '60');
    await ended((await start(run, 'no-such-command')).id);
    await user.patch(`/runs/${run}`, { status: 'running' });
    await user.post(`/runs/${run}/cancel`);
    await ended(long.id);
    for (const path of [`/runs/${run}`, `/sessions/${session.id}`]) {
      const now = (await user.get(path)).body['process_counts'];
      expect(now).toEqual({ starting: 0, running: 0, ended: 2 });
      const last = dataOf(await user.get(`${path}/events?order=desc&limit=1`))[0]?.['sequence_number'];
      expect((await user.get(`${path}?as_of=${String(last)}`)).body['process_counts']).toEqual(now);
    }
  });

  it('stays out of the log when it is told to', async () => {
    const run = await newRun();
    const { id } = await shell(run, 'echo quiet', { attach_output: false });
    await ended(id);
    expect(dataOf(await user.get(`/runs/${run}/logs`))).toEqual([]);
    expect(await text(id)).toBe('quiet\n');
  });

  it('ends with 127 and the reason when its command does not exist', async () => {
    const { id } = await start(await newRun(), 'no-such-command');
    const done = await ended(id);
    expect(done).toMatchObject({ status: 'exited', exit_code: 127 });
    expect(done['reason']).toEqual(expect.stringContaining('not found'));
  });

  it('does not show the values of its environment, nor what it was given to read, to anyone who reads', async () => {
    const run = await newRun();
    const secret = randomUUID();
    const { id } = await shell(run, 'cat > /dev/null', { env: { TOKEN: secret }, stdin: secret });
    await ended(id);
    const pages = [`/processes/${id}`, `/runs/${run}/processes`, `/runs/${run}/events`];
    const shown = await Promise.all(pages.map((path) => user.get(path)));
    shown.push(await operator.get('/events'));
    expect(JSON.stringify(shown)).not.toContain(secret);
  });

  it('is given no more time than the most there is', async () => {
    const run = await newRun();
    const { timeout_seconds } = await user.made(`/runs/${run}/processes`, {
      command: 'true',
      timeout_seconds: 1_000_000,
    });
    expect(timeout_seconds).toBe(10_800);
  });

  it('is ended when its time is over', async () => {
    const { id } = await shell(await newRun(), 'exec sleep 600', { timeout_seconds: 1 });
    expect(await ended(id)).toMatchObject({ status: 'timed_out', reason: 'timeout', signal: 'SIGTERM' });
  });

  it('is waited for no longer than asked', async () => {
    const { id } = await start(await newRun(), 'sleep', '600');
    expect(await user.get(`/processes/${id}/wait?timeout_seconds=0`)).toMatchObject({
      status: 202,
      body: { status: 'running' },
    });
  });

  it('is terminated by the signal asked for, once', async () => {
    const { id } = await shell(
      await newRun(),
      'trap "echo got; exit 7" INT; echo ready; while :; do sleep 0.01; done',
    );
    await untilWritten(id, 'ready');
    const asked = { signal: 'SIGINT' };
    const stale = { 'if-match': '"99"' };
    expect(await user.post(`/processes/${id}/terminate`, asked, stale)).toMatchObject({ status: 412 });
    expect(await user.post(`/processes/${id}/terminate`, asked)).toMatchObject({ status: 202 });
    expect(await user.post(`/processes/${id}/terminate`, asked)).toMatchObject({ status: 202 });
    expect(await ended(id)).toMatchObject({ status: 'killed', exit_code: 7, reason: 'terminated' });
    expect(await text(id)).toBe('ready\ngot\n');
    expect(await user.post(`/processes/${id}/terminate`)).toMatchObject({
      status: 202,
      body: { status: 'killed' },
    });
  });

  it('is killed after the grace when it ignores SIGTERM', async () => {
    const { id } = await shell(await newRun(), 'trap "" TERM; echo ready; while :; do sleep 0.01; done');
    await untilWritten(id, 'ready');
    await user.post(`/processes/${id}/terminate`, { grace_seconds: 0 });
    expect(await ended(id)).toMatchObject({ status: 'killed', signal: 'SIGKILL', reason: 'terminated' });
  });

  it('ends with its run, whichever way that ends', async () => {
    const cancelled = await newRun();
    const completed = await newRun();
    const [one, two] = [await start(cancelled, 'sleep', '600'), await start(completed, 'sleep', '600')];
    await user.post(`/runs/${cancelled}/cancel`);
    await user.patch(`/runs/${completed}`, { status: 'running' });
    await user.patch(`/runs/${completed}`, { status: 'completed' });
    expect(await ended(one.id)).toMatchObject({ status: 'killed', reason: 'run_cancelled' });
    expect(await ended(two.id)).toMatchObject({ status: 'killed', reason: 'run_completed' });
    expect([one, two].map(({ pid }) => isAlive(pid))).toEqual([false, false]);
    expect(await user.delete(`/runs/${cancelled}/sandbox?wait=true`)).toMatchObject({
      status: 200,
      body: { status: 'closed', reason: 'run_cancelled' },
    });
    expect(await user.post(`/runs/${cancelled}/processes`, { command: 'true' })).toMatchObject({
      status: 409,
      body: { code: 'run_terminal' },
    });
  });

  it('is detached only where that is allowed, and then goes on when its worker has lost the run', async () => {
    const project = await newProject(server);
    const [user, worker] = [await project.caller('operator'), await project.caller('worker')];
    const run = (await user.made('/runs')).id;
    const detached = { command: 'sleep', args: ['600'], detached: true };
    expect(await user.post(`/runs/${run}/processes`, detached)).toMatchObject({
      status: 403,
      body: { code: 'detached_not_allowed' },
    });
    await user.made(`/runs/${run}/sandbox`, { allow_detached: true });
    const claim = { worker_id: 'w', lease_seconds: 1 };
    expect(dataOf(await worker.post('/runs/claim', claim))).toMatchObject([{ id: run }]);
    const attached = await user.made(`/runs/${run}/processes`, { ...detached, detached: false });
    const staying = await user.made(`/runs/${run}/processes`, detached);
    expect((await user.get(`/processes/${attached.id}/wait`)).body).toMatchObject({
      status: 'killed',
      reason: 'attempt_ended',
    });
    const [again] = dataOf(await worker.post('/runs/claim', claim));
    expect(again).toMatchObject({ id: run, attempt: 2 });
    expect((await user.get(`/processes/${staying.id}`)).body).toMatchObject({ status: 'running' });
    await user.delete(`/runs/${run}/sandbox?wait=true`);
    expect(isAlive(staying['pid'])).toBe(false);
  });

  it('is refused where as many run as may', async () => {
    const run = await newRun();
    await user.made(`/runs/${run}/sandbox`, { limits: { max_processes: 1 } });
    const { id } = await start(run, 'sleep', '600');
    const refused = await user.post(`/runs/${run}/processes`, { command: 'true' });
    expect(refused).toMatchObject({ status: 409, body: { code: 'too_many_processes' } });
    expect((await user.get(`/processes/${String(refused.body['process_id'])}`)).body).toMatchObject({
      status: 'killed',
      reason: 'max_processes',
      started_at: null,
    });
    await user.post(`/processes/${id}/terminate`);
    await ended(id);
    await ended((await start(run, 'true')).id);
  });

  it.each([
    ['/command', {}],
    ['/args', { command: 'true', args: 'x' }],
    ['/args/0', { command: 'true', args: [1] }],
    ['/env', { command: 'true', env: { 'A=B': 'x' } }],
    ['/env/A', { command: 'true', env: { A: '\ud83d' } }],
    ['/env/B', { command: 'true', env: { A: 'x', B: 1 } }],
    ['/args/1', { command: 'true', args: ['😀', '\ud83d'] }],
    ['/stdin', { command: 'cat', stdin: 'a\udc00' }],
    ['/cwd', { command: 'true', cwd: '../..' }],
    ['/cwd', { command: 'true', cwd: '/etc' }],
    ['/timeout_seconds', { command: 'true', timeout_seconds: 0 }],
    ['/output_limit_bytes', { command: 'true', output_limit_bytes: -1 }],
    ['/shell', { command: 'true', shell: true }],
  ])('is refused with a pointer to what is wrong: %s of %j', async (pointer, body) => {
    const run = await newRun();
    expect(await user.post(`/runs/${run}/processes`, body)).toMatchObject({
      status: 400,
      body: { code: 'validation_failed', errors: [{ pointer }] },
    });
  });

  it('is not there for others', async () => {
    const { id, run_id } = await start(await newRun(), 'true');
    const other = await caller('user');
    const replies = await Promise.all([
      other.get(`/processes/${id}`),
      other.get(`/processes/${id}/wait`),
      other.get(`/processes/${id}/output`),
      other.post(`/processes/${id}/terminate`),
      other.get(`/runs/${String(run_id)}/processes`),
    ]);
    expect(replies.map(({ status }) => status)).toEqual([404, 404, 404, 404, 404]);
  });

  it('stands in the list of its run, by status, page by page', async () => {
    const run = await newRun();
    const ids: string[] = [];
    for (let n = 0; n < 3; n++) ids.push((await start(run, 'true')).id);
    await Promise.all(ids.map(ended));
    const { id } = await start(run, 'sleep', '600');
    await user.delete(`/runs/${run}/sandbox?wait=true`);
    expect(await user.allIds(`/runs/${run}/processes`, 3)).toEqual([...ids, id].reverse());
    expect(await user.allIds(`/runs/${run}/processes?status=killed,running`)).toEqual([id]);
    expect(await user.allIds(`/runs/${run}/processes?status=exited&order=asc`, 1)).toEqual(ids);
    expect(await user.get(`/runs/${run}/processes?status=dead`)).toMatchObject({
      status: 400,
      body: { errors: [{ parameter: 'status' }] },
    });
  });
});

describe('standard input', () => {
  it('is given piece by piece, until it is closed', async () => {
    const { id } = await start(await newRun(), 'cat');
    const given = await give(id, 'one ');
    expect([given.status, given.headers.get('consistency-token')]).toEqual([
      204,
      expect.stringMatching(/^ct1\./),
    ]);
    expect((await give(id, 'two', '?close=true')).status).toBe(204);
    expect((await give(id, 'late')).status).toBe(409);
    expect(await ended(id)).toMatchObject({ status: 'exited', exit_code: 0 });
    expect(await text(id)).toBe('one two');
    const late = await give(id, 'later');
    expect([late.status, await late.json()]).toMatchObject([409, { code: 'process_ended' }]);
  });

  it('is all there at the start, however long', async () => {
    const run = await newRun();
    const stdin = 'ä'.repeat(1_000_000);
    const { id } = await user.made(`/runs/${run}/processes`, { command: 'wc', args: ['-c'], stdin });
    await ended(id);
    expect((await text(id)).trim()).toBe('2000000');
  });

  it('is given once, however often it is sent with one Idempotency-Key', async () => {
    const { id } = await start(await newRun(), 'cat');
    const headers = { 'idempotency-key': randomUUID() };
    for (const replayed of [null, 'true']) {
      const answer = await give(id, 'once', '?close=true', headers);
      expect([answer.status, answer.headers.get('idempotent-replayed')]).toEqual([204, replayed]);
    }
    const other = await give(id, 'twice', '?close=true', headers);
    expect([other.status, await other.json()]).toMatchObject([422, { code: 'idempotency_key_reused' }]);
    await ended(id);
    expect(await text(id)).toBe('once');
  });

  it('takes bytes alone, and as they are', async () => {
    const { id } = await start(await newRun(), 'cat');
    expect(await user.post(`/processes/${id}/stdin`, {})).toMatchObject({ status: 415 });
    expect((await give(id, 'x', '', { 'content-encoding': 'gzip' })).status).toBe(415);
  });
});

describe('output', () => {
  it('is cut before the character that does not fit, and says so', async () => {
    const run = await newRun();
    const { id } = await shell(run, 'printf "€€€€"; printf 12345678 >&2', { output_limit_bytes: 8 });
    expect(await ended(id)).toMatchObject({
      output: { stdout: { bytes: 12, truncated: true }, stderr: { bytes: 8, truncated: false } },
    });
    expect([await text(id), await text(id, 'stream=stderr')]).toEqual(['€€', '12345678']);
  });

  it('goes on behind the cap without stopping the process', async () => {
    const { id } = await shell(await newRun(), 'head -c 3000000 /dev/zero | tr "\\0" x; echo done >&2');
    expect(await ended(id)).toMatchObject({
      status: 'exited',
      exit_code: 0,
      output: { stdout: { bytes: 3_000_000, truncated: true }, stderr: { truncated: false } },
    });
    expect((await output(id)).bytes).toHaveLength(262_144);
  });

  it('is kept byte for byte, and read from any byte', async () => {
    const run = await newRun();
    const bytes = randomBytes(700_000);
    const stdin = bytes.toString('base64');
    const { id } = await shell(run, 'base64 -d', { stdin, output_limit_bytes: 0, attach_output: false });
    await ended(id);
    const whole = await output(id);
    expect(whole.bytes.equals(bytes)).toBe(true);
    expect(whole).toMatchObject({ next: '700000', closed: 'true' });
    const part = await output(id, 'offset=123457&limit=400001');
    expect(part.bytes.equals(bytes.subarray(123_457, 523_458))).toBe(true);
    expect(part).toMatchObject({ next: '523458', closed: 'false' });
    expect(await output(id, 'offset=700000')).toMatchObject({ next: '700000', closed: 'true' });
  });

  it('is followed while it is written, to the end with the process', async () => {
    const { id } = await start(await newRun(), 'cat');
    const watch = await follow(id);
    const frames = watch[Symbol.asyncIterator]();
    let place = 0;
    for (const piece of ['a', 'bc', 'def']) {
      await give(id, piece);
      expect((await frames.next()).value).toMatchObject({
        event: 'output',
        id: String(place + piece.length),
        data: { offset: place, base64: Buffer.from(piece).toString('base64') },
      });
      place += piece.length;
    }
    await give(id, '', '?close=true');
    expect((await frames.next()).value).toMatchObject({ event: 'end', data: { id, status: 'exited' } });
    expect((await frames.next()).done).toBe(true);
  });

  it('is followed again from the middle of a piece, by id or by offset', async () => {
    const { id } = await shell(await newRun(), 'printf 0123456789');
    await ended(id);
    const resumed = [
      await follow(id, '', { 'last-event-id': '4' }),
      await follow(id, 'offset=4'),
      await follow(id, 'offset=9', { 'last-event-id': '4' }),
    ];
    for (const watch of resumed) {
      const frames = await watch.until(({ event }) => event === 'end');
      const pieces = frames.filter(({ event }) => event === 'output');
      expect(pieces[0]?.data['offset']).toBe(4);
      expect(
        pieces.map(({ data }) => Buffer.from(String(data['base64']), 'base64').toString()).join(''),
      ).toBe('456789');
      expect(pieces.at(-1)?.id).toBe('10');
    }
  });

  it('is refused a stream that there is not', async () => {
    const { id } = await start(await newRun(), 'true');
    expect(await user.get(`/processes/${id}/output?stream=stdlog`)).toMatchObject({
      status: 400,
      body: { errors: [{ parameter: 'stream' }] },
    });
  });
});

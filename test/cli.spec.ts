import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Api } from './support/api.js';
import { type Env, type Outcome, outcomeOf, startRunledger } from './support/runledger.js';
import { newProject } from './support/api.js';
import { type Server, startServer } from './support/server.js';
import { until } from './support/supervised-service.js';

interface LogEntry {
  readonly seq: number;
  readonly stream: string;
  readonly message: string;
}

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server.stop();
});

const settings = () => ({ RUNLEDGER_URL: server.url, RUNLEDGER_API_KEY: server.key });

const runledger = (args: readonly string[], env: Env = settings()) => outcomeOf(startRunledger(args, env));

const json = (line: string): Record<string, unknown> => JSON.parse(line) as Record<string, unknown>;
const idIn = ({ stderr }: Outcome): string => /^run (\S+)$/m.exec(stderr)?.[1] ?? '';
/** The run, once the read model has its end. */
const recorded = async (id: string) => {
  let run: Record<string, unknown> = {};
  await until(async () => (run = json((await runledger(['run', id])).stdout))['ended_at'] !== null);
  return run;
};

/** The newest run that is running, once there is one. */
const running = async (env: Env = settings()): Promise<Record<string, unknown>> => {
  for (;;) {
    const { stdout } = await runledger(['runs', '--status', 'running', '--limit', '1', '--json'], env);
    if (stdout !== '') return json(stdout);
  }
};

/** The whole log, also where the read model is a moment behind. */
const logOf = async (id: string): Promise<LogEntry[]> => {
  const { stdout } = await runledger(['logs', id, '--follow', '--json']);
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as LogEntry);
};

describe('runledger exec', () => {
  it('records a command that succeeds, with its output on both streams', async () => {
    const outcome = await runledger(['exec', '--source', 'spec', '--', 'sh', '-c', 'echo out; echo err >&2']);
    expect(outcome).toMatchObject({ code: 0, stdout: 'out\n' });
    expect(outcome.stderr).toContain('err\n');
    const id = idIn(outcome);
    const log = await logOf(id);
    expect(log.map(({ seq }) => seq)).toEqual([1, 2]);
    expect(log).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ stream: 'stdout', message: 'out' }),
        expect.objectContaining({ stream: 'stderr', message: 'err' }),
      ]),
    );
    expect(await recorded(id)).toMatchObject({
      kind: 'job',
      source: 'spec',
      status: 'completed',
      input: { command: 'sh', args: ['-c', 'echo out; echo err >&2'], cwd: process.cwd() },
    });
  });

  it('exits as a command that fails, and fails the run', async () => {
    const outcome = await runledger(['exec', '--', 'sh', '-c', 'exit 3']);
    expect(outcome.code).toBe(3);
    expect(await recorded(idIn(outcome))).toMatchObject({ status: 'failed', error: { code: 'exit_3' } });
  });

  it('answers 127 for a command that does not exist', async () => {
    const outcome = await runledger(['exec', '--', 'no-such-command']);
    expect(outcome.code).toBe(127);
    expect(outcome.stderr).toContain('command not found: no-such-command');
    expect(await recorded(idIn(outcome))).toMatchObject({ status: 'failed', error: { code: 'exit_127' } });
  });

  it.each([[''], ['/etc/passwd/below-a-file']])(
    'answers 126 for what cannot be a command: "%s"',
    async (name) => {
      const outcome = await runledger(['exec', '--', name]);
      expect(outcome.code).toBe(126);
      expect(outcome.stderr).toMatch(/^run .*\nrunledger: cannot execute .*\n$/);
      expect(await recorded(idIn(outcome))).toMatchObject({ status: 'failed', error: { code: 'exit_126' } });
    },
  );

  it('passes a signal on, and answers 128+n for a command that it ends', async () => {
    const child = startRunledger(['exec', '--', 'sh', '-c', 'echo ready; exec sleep 600'], settings());
    const outcome = outcomeOf(child);
    await once(child.stdout, 'data');
    child.kill('SIGTERM');
    const ended = await outcome;
    expect(ended.code).toBe(143);
    expect(await recorded(idIn(ended))).toMatchObject({
      status: 'failed',
      error: { code: 'signal_SIGTERM' },
    });
  });

  it.each([
    ['one that SIGTERM ends', 'echo ready; exec sleep 600', 143],
    ['one that ignores it, and whose child holds the output open', 'trap "" TERM; echo ready; sleep 60', 137],
  ])('ends the command of a run that is cancelled: %s', async (_what, script, code) => {
    const child = startRunledger(['exec', '--', 'sh', '-c', script], settings());
    const outcome = outcomeOf(child);
    await once(child.stdout, 'data');
    const { id } = await running();
    expect(await runledger(['cancel', String(id), '--reason', 'enough'])).toMatchObject({
      code: 0,
      stdout: 'cancelled\n',
    });
    const ended = await outcome;
    expect(ended.code).toBe(code);
    expect(ended.stderr).toContain(`run ${String(id)} is cancelled: the command is asked to end\n`);
    expect(await recorded(String(id))).toMatchObject({
      status: 'cancelled',
      status_reason: { reason: 'enough' },
    });
  });

  it('holds a lease while the command runs, with the key of a worker; records without one with that of a user', async () => {
    const project = await newProject(server);
    for (const [role, lease] of [
      ['worker', { worker_id: expect.stringMatching(/^exec@.+:\d+$/) as unknown }],
      ['user', null],
    ] as const) {
      const env = { RUNLEDGER_URL: server.url, RUNLEDGER_API_KEY: (await project.caller(role)).key };
      const child = startRunledger(['exec', '--', 'sh', '-c', 'echo ready; exec sleep 600'], env);
      const outcome = outcomeOf(child);
      await once(child.stdout, 'data');
      const run = await running(env);
      expect(run).toMatchObject({ lease, attempt: 1, max_attempts: 1 });
      const { expires_at = null } = (run['lease'] ?? {}) as { expires_at?: string };
      // A heartbeat is stored once a quarter of the lease is gone: what is left must outlast the longest outage.
      if (expires_at !== null) {
        const length = Date.parse(expires_at) - Date.parse(String(run['started_at']));
        expect(length * 0.75).toBeGreaterThan(300_000);
      }
      child.kill('SIGTERM');
      expect((await outcome).code).toBe(143);
    }
  });

  it('keeps every line of much output, in order', async () => {
    const outcome = await runledger(['exec', '--', 'seq', '1', '30000']);
    const log = await logOf(idIn(outcome));
    expect(log.map(({ message }) => message)).toEqual(
      Array.from({ length: 30_000 }, (_, n) => String(n + 1)),
    );
  });

  it('stores what the server would refuse: U+0000, invalid UTF-8, a line without an end', async () => {
    const outcome = await runledger(['exec', '--', 'printf', 'a\\000b\\377']);
    expect((await logOf(idIn(outcome))).map(({ message }) => message)).toEqual(['a\uFFFDb\uFFFD']);
  });

  it('does not run the command when the server cannot be reached', async () => {
    const outcome = await runledger(['exec', '--', 'echo', 'ran'], {
      RUNLEDGER_URL: 'http://127.0.0.1:1',
      RUNLEDGER_API_KEY: 'none',
    });
    expect(outcome).toEqual({
      code: 69,
      stdout: '',
      stderr: expect.stringMatching(/cannot be reached.*\n$/) as unknown,
    });
  });

  it('prints the problem when the server refuses', async () => {
    const outcome = await runledger(['exec', '--', 'echo', 'ran'], {
      RUNLEDGER_URL: server.url,
      RUNLEDGER_API_KEY: 'not-a-key',
    });
    expect(outcome).toMatchObject({ code: 1, stdout: '' });
    expect(outcome.stderr).toMatch(/^unauthenticated: /);
  });
});

describe('runledger', () => {
  it('finds the local server by its data directory', async () => {
    expect((await runledger(['runs'], { DATA_DIR: server.dataDir })).code).toBe(0);
  });

  it('prints the last lines of a log', async () => {
    const id = idIn(await runledger(['exec', '--', 'seq', '1', '50']));
    let last = '';
    await until(async () => (last = (await runledger(['logs', id, '--tail', '2'])).stdout).includes('50'));
    expect(last).toBe('49\n50\n');
  });

  it('lists as one JSON document per line in a pipe, paging through more than a page', async () => {
    const api = new Api(server.url, server.key);
    for (let n = 0; n < 120; n++) await api.made('/runs');
    await api.get('/runs');
    const { stdout } = await runledger(['runs', '--limit', '110']);
    const ids = stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => json(line)['id']);
    expect(new Set(ids).size).toBe(110);
  });

  it('creates, lists and revokes a key', async () => {
    const created = json((await runledger(['keys', 'create', '--name', 'spec', '--role', 'viewer'])).stdout);
    const id = String(created['id']);
    expect(created).toMatchObject({ name: 'spec', role: 'viewer', key: expect.any(String) as unknown });
    expect(await runledger(['keys', 'revoke', id])).toMatchObject({ code: 0 });
    expect((await runledger(['keys', 'list'])).stdout).not.toContain(String(created['key']));
  });

  it.each([
    ['an unknown command', ['fly'], "runledger: unknown command 'fly'"],
    ['an unknown option', ['runs', '--fly'], "runledger: Unknown option '--fly'"],
    [
      'a value that may be an option',
      ['logs', 'r', '--tail', '-1'],
      "runledger: Option '--tail' argument is ambiguous. Did you forget",
    ],
    ['a missing argument', ['run'], 'runledger: missing argument <id>'],
    ['a command without --', ['exec', 'true'], 'runledger: put -- before the command'],
  ])('answers %s with one line and exit code 2', async (_, args, line) => {
    const outcome = await runledger(args);
    expect(outcome).toMatchObject({ code: 2, stdout: '' });
    expect(outcome.stderr.startsWith(line)).toBe(true);
    expect(outcome.stderr.trim().split('\n')).toHaveLength(1);
  });

  it('tells a refusal as code and detail', async () => {
    const outcome = await runledger(['run', '00000000-0000-7000-8000-000000000000']);
    expect(outcome).toMatchObject({ code: 1, stdout: '' });
    expect(outcome.stderr).toMatch(/^not_found: /);
  });

  it('tells a fault once', async () => {
    const { stderr } = await runledger(['runs', '--status', 'lost']);
    expect(stderr).toBe(
      'validation_failed: status: status must be one of pending, running, completed, failed, cancelled.\n',
    );
  });
});

describe('runledger projections', () => {
  it('shows how far each has come', async () => {
    const { code, stdout } = await runledger(['projections', 'status']);
    const names = stdout
      .trim()
      .split('\n')
      .map((line) => json(line)['name']);
    expect([code, names]).toEqual([0, expect.arrayContaining(['runs', 'sessions', 'logs', 'run_policy'])]);
  });

  it('rebuilds one, and verifies them all', async () => {
    const rebuilt = await runledger(['projections', 'rebuild', 'runs']);
    expect([rebuilt.code, json(rebuilt.stdout)['status']]).toEqual([0, 'succeeded']);
    const { code, stdout } = await runledger(['projections', 'verify']);
    const verified = stdout.trim().split('\n').map(json);
    expect(code).toBe(0);
    expect(verified.map(({ projection }) => projection)).toEqual(expect.arrayContaining(['runs', 'logs']));
    expect(verified.every(({ result }) => (result as { identical: boolean }).identical)).toBe(true);
  });

  it.each([
    [['projections'], 2],
    [['projections', 'rebuild'], 2],
    [['projections', 'rebuild', 'run_policy'], 1],
    [['projections', 'verify', 'nothing'], 1],
  ])('refuses %j', async (args, code) => {
    expect((await runledger(args)).code).toBe(code);
  });
});

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Api, type Body, dataOf, newProject } from './support/api.js';
import { ended, type Server, startServer } from './support/server.js';
import { until } from './support/supervised-service.js';

/** Short enough to expire while a test waits, and so long that a worker on a busy machine does not lose it. */
const leaseSeconds = 10;

let server: Server;
let ann: Api;
let key: string;
let workers: ChildProcess[];

beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server.stop();
});
beforeEach(async () => {
  const project = await newProject(server);
  ann = await project.caller('user');
  ({ key } = await project.caller('worker'));
  workers = [];
});
afterEach(async () => {
  await Promise.all(workers.map((worker) => ended(worker, 'SIGKILL')));
});

function startWorker(): ChildProcess {
  const env = {
    PATH: process.env['PATH'],
    RUNLEDGER_URL: server.url,
    RUNLEDGER_API_KEY: key,
    LEASE_SECONDS: String(leaseSeconds),
  };
  const worker = spawn(process.execPath, ['examples/worker.mjs'], { env, stdio: 'inherit' });
  workers.push(worker);
  return worker;
}

async function runThat(id: string, wanted: (run: Body) => boolean): Promise<Body> {
  let run: Body = {};
  await until(async () => wanted((run = (await ann.get(`/runs/${id}`)).body)));
  return run;
}
/** The log, once the read model has it. */
async function logOf(id: string): Promise<Body[]> {
  let lines: Body[] = [];
  await until(async () => (lines = dataOf(await ann.get(`/runs/${id}/logs`))).length > 0);
  return lines;
}
const over = ({ ended_at }: Body) => ended_at !== null;

describe('examples/worker.mjs', () => {
  it('completes runs, with a log and an output', async () => {
    startWorker();
    startWorker();
    const inputs = [1, 2, 3, 4].map((n) => ({ n }));
    const runs = await Promise.all(inputs.map((input) => ann.made('/runs', { input })));
    for (const [n, { id }] of runs.entries()) {
      expect(await runThat(id, over)).toMatchObject({
        status: 'completed',
        output: { echo: inputs[n] },
        attempt: 1,
      });
      expect(await logOf(id)).toMatchObject([
        { seq: 1, message: `started with ${JSON.stringify(inputs[n])}` },
      ]);
    }
  });

  it('keeps its lease for as long as it works', async () => {
    startWorker();
    const milliseconds = leaseSeconds * 1_000 + 500;
    const { id } = await ann.made('/runs', { input: { milliseconds }, max_attempts: 1 });
    expect(await runThat(id, over)).toMatchObject({ status: 'completed', attempt: 1 });
  });

  it('stops the work of a run that was cancelled, and goes on with the next', async () => {
    startWorker();
    const long = await ann.made('/runs', { input: { milliseconds: 3_600_000 } });
    await runThat(long.id, ({ status }) => status === 'running');
    await ann.post(`/runs/${long.id}/cancel`);
    const next = await ann.made('/runs');
    expect(await runThat(next.id, over)).toMatchObject({ status: 'completed' });
  });

  it('has its run finished by another worker when it is killed', async () => {
    const first = startWorker();
    const { id } = await ann.made('/runs', { input: { milliseconds: 1_500 } });
    await runThat(id, ({ status }) => status === 'running');
    await ended(first, 'SIGKILL');
    startWorker();
    expect(await runThat(id, over)).toMatchObject({ status: 'completed', attempt: 2 });
  });

  it('finishes what it has and ends when it is asked to', async () => {
    const worker = startWorker();
    const { id } = await ann.made('/runs', { input: { milliseconds: 1_500 } });
    await runThat(id, ({ status }) => status === 'running');
    const exit = once(worker, 'exit');
    worker.kill('SIGTERM');
    expect(await exit).toEqual([0, null]);
    expect(await runThat(id, over)).toMatchObject({ status: 'completed', attempt: 1 });
  });
});

describe('docs/workers.md', () => {
  it('has examples that work', async () => {
    const page = readFileSync('docs/workers.md', 'utf8');
    const script = [...page.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block]) => block).join('');
    const run = await ann.made('/runs', { kind: 'job' });
    const env = { PATH: process.env['PATH'], RUNLEDGER_API_KEY: key };
    const shell = spawn('sh', ['-ec', script.replace(/^URL=.*$/m, `URL=${server.url}`)], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [answers] = await Promise.all([text(shell.stdout), once(shell, 'close')]);
    expect(answers).toContain('"lease":{"worker_id":"worker-1"');
    expect(answers).not.toContain('problems#');
    expect(await runThat(run.id, over)).toMatchObject({ status: 'completed', output: { answer: 42 } });
    expect(await logOf(run.id)).toMatchObject([{ message: 'at work' }]);
  });
});

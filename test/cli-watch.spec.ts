import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Api, type Body, dataOf } from './support/api.js';
import { type Env, type Outcome, outcomeOf, startRunledger } from './support/runledger.js';
import { type Server, startServer } from './support/server.js';
import { until } from './support/supervised-service.js';

let server: Server;
let api: Api;
beforeAll(async () => {
  server = await startServer();
  api = new Api(server.url, server.key);
});
afterAll(async () => {
  await server.stop();
  rmSync(server.dataDir, { recursive: true, force: true });
});

const settings = () => ({ RUNLEDGER_URL: server.url, RUNLEDGER_API_KEY: server.key });
const start = (...args: string[]) => startRunledger(args, settings());
const watch = (args: readonly string[], env: Env = settings()): Promise<Outcome> =>
  outcomeOf(startRunledger(['watch', ...args], env));

/** `kill -9`, and another server on the same data and port. */
const restart = async (): Promise<void> => {
  await server.kill();
  const { data, url } = server;
  server = await startServer({ ...data, PORT: new URL(url).port });
};

const idOf = async (path: string): Promise<string> => (await api.made(path)).id;
const move = (run: string, status: string) => api.patch(`/runs/${run}`, { status });
const tell = (run: string, ...texts: string[]) =>
  api.post(`/runs/${run}/events`, {
    events: texts.map((delta) => ({ type: 'message.output.delta', data: { delta } })),
  });
const documents = ({ stdout }: Outcome): Body[] =>
  stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Body);
const numbers = (events: readonly Body[]) => events.map(({ sequence_number }) => sequence_number);
const types = (events: readonly Body[]) => events.map(({ type }) => type);

/** How many lines it has printed so far; what it prints can still be read as a whole. */
const lineCounter = (child: ReturnType<typeof start>): (() => number) => {
  let count = 0;
  createInterface(child.stdout).on('line', () => count++);
  return () => count;
};
const printed = async (child: ReturnType<typeof start>, lines: number): Promise<void> => {
  const count = lineCounter(child);
  await until(() => count() >= lines);
};

describe('runledger watch run', () => {
  it('prints every event as the API gives it, one per line, as it happens until the end', async () => {
    const run = await idOf('/runs');
    await move(run, 'running');
    const child = start('watch', 'run', run);
    const outcome = outcomeOf(child);
    await printed(child, 2);
    await tell(run, 'one', 'two\nlines \u009b31m');
    await move(run, 'completed');
    expect(await outcome).toMatchObject({ code: 0, stderr: '' });
    expect(documents(await outcome)).toEqual(dataOf(await api.get(`/runs/${run}/events`)));
  });

  it.each([
    ['failed', 1],
    ['cancelled', 1],
    ['completed', 0],
  ])('of a run that has %s exits with %i, even where the end is not wanted', async (status, code) => {
    const run = await idOf('/runs');
    await move(run, 'running');
    await (status === 'cancelled' ? api.post(`/runs/${run}/cancel`) : move(run, status));
    const outcome = await watch(['run', run, '--types', 'run.created']);
    expect(outcome).toMatchObject({ code, stderr: '' });
    expect(types(documents(outcome))).toEqual(['run.created']);
  });

  it('begins behind a number, and leaves out what is not wanted', async () => {
    const run = await idOf('/runs');
    await tell(run, 'one', 'two');
    await move(run, 'running');
    await move(run, 'completed');
    const shown = async (...args: string[]) => numbers(documents(await watch(['run', run, ...args])));
    expect(await shown('--after', '3')).toEqual([4, 5]);
    expect(await shown('--exclude', 'message.output.delta')).toEqual([1, 4, 5]);
    expect(await shown('--types', 'message.output.delta,run.completed', '--after', '2')).toEqual([3, 5]);
  });

  it('ends quietly with 130 after Ctrl-C', async () => {
    const child = start('watch', 'run', await idOf('/runs'));
    const outcome = outcomeOf(child);
    await printed(child, 1);
    child.kill('SIGINT');
    expect(await outcome).toMatchObject({ code: 130, stderr: '' });
  });

  it('says in one sentence why it cannot watch, and exits with 1, or 69 without a server', async () => {
    const run = await idOf('/runs');
    const nobody = '00000000-0000-7000-8000-000000000000';
    const cases: [Promise<Outcome>, RegExp, number?][] = [
      [watch(['run', nobody]), /^not_found: .*\n$/],
      [watch(['session', nobody]), /^not_found: .*\n$/],
      [watch(['run', run, '--types', 'nope']), /^unknown_event_type: /],
      [watch(['run', run], { ...settings(), RUNLEDGER_API_KEY: 'not-a-key' }), /^unauthenticated: .*\n$/],
      [
        watch(['run', run], { ...settings(), RUNLEDGER_URL: 'http://127.0.0.1:1' }),
        /^the server at .*\n$/,
        69,
      ],
    ];
    for (const [outcome, sentence, code = 1] of cases) {
      expect(await outcome).toMatchObject({ code, stdout: '' });
      expect((await outcome).stderr).toMatch(sentence);
    }
  });

  it.each([
    ['something else', ['task', 'x'], "runledger: watch what? 'run' or 'session', not 'task'\n"],
    ['no id', ['run'], 'runledger: missing argument <id>\n'],
    ['no number', ['run', 'x', '--after', '1.5'], 'runledger: --after must be a whole number from 0\n'],
  ])('answers %s with one line and exit code 2', async (_, args, stderr) => {
    expect(await watch(args)).toEqual({ code: 2, stdout: '', stderr });
  });
});

describe('runledger watch session', () => {
  it('prints what happens in all of its runs, until it is deleted', async () => {
    const session = await idOf('/sessions');
    const child = start('watch', 'session', session);
    const outcome = outcomeOf(child);
    await printed(child, 1);
    const run = await idOf(`/sessions/${session}/runs`);
    await tell(run, 'one');
    await api.post(`/runs/${run}/cancel`);
    await api.delete(`/sessions/${session}`);
    expect(await outcome).toMatchObject({ code: 0, stderr: '' });
    expect(types(documents(await outcome))).toEqual([
      ...['session.created', 'run.created', 'message.output.delta', 'run.cancelled', 'session.deleted'],
    ]);
    expect(numbers(documents(await outcome))).toEqual([1, 2, 3, 4, 5]);
  });
});

describe('runledger watch, when the server is killed and started again', () => {
  it.each(['run', 'session'])('loses no event of a %s and prints none twice', async (kind) => {
    const session = await idOf('/sessions');
    const run = await idOf(`/sessions/${session}/runs`);
    const id = kind === 'run' ? run : session;
    const child = start('watch', kind, id);
    const outcome = outcomeOf(child);
    const count = lineCounter(child);
    const born = kind === 'run' ? 1 : 2;
    let told = 0;
    const tellMore = async (times: number): Promise<void> => {
      for (const end = told + times; told < end; told++) await tell(run, String(told));
    };
    for (let round = 0; round < 3; round++) {
      await tellMore(10);
      await until(() => count() >= born + told);
      await tellMore(20);
      await server.kill();
      const { data, url } = server;
      server = await startServer({ ...data, PORT: new URL(url).port });
    }
    await move(run, 'running');
    await move(run, 'completed');
    await until(() => count() >= born + told + 2);
    if (kind === 'session') await api.delete(`/sessions/${session}`);
    expect(await outcome).toMatchObject({ code: 0, stderr: '' });
    const events = documents(await outcome);
    expect(numbers(events)).toEqual(events.map((_, n) => n + 1));
    const deltas = events.filter(({ type }) => type === 'message.output.delta');
    expect(deltas.map(({ data }) => (data as Body)['delta'])).toEqual(
      Array.from({ length: told }, (_, n) => String(n)),
    );
  });
});

describe('runledger logs --follow', () => {
  const log = (run: string, ...messages: string[]) =>
    api.post(`/runs/${run}/logs`, { entries: messages.map((message) => ({ message })) });

  it('prints a log as it is written, through a restart of the server, until the run has ended', async () => {
    const run = await idOf('/runs');
    await log(run, 'one', 'two', 'three');
    const all = start('logs', run, '--follow');
    const last = start('logs', run, '--follow', '--tail', '1');
    const outcomes = [outcomeOf(all), outcomeOf(last)];
    await Promise.all([printed(all, 3), printed(last, 1)]);
    await log(run, 'four');
    await restart();
    await log(run, 'five');
    await api.post(`/runs/${run}/cancel`);
    expect(await Promise.all(outcomes)).toEqual([
      { code: 0, stdout: 'one\ntwo\nthree\nfour\nfive\n', stderr: '' },
      { code: 0, stdout: 'three\nfour\nfive\n', stderr: '' },
    ]);
  });

  it('prints one stream alone', async () => {
    const run = await idOf('/runs');
    const entries = [
      { message: 'a' },
      { message: 'b', stream: 'stderr' },
      { message: 'c', stream: 'stdout' },
    ];
    await api.post(`/runs/${run}/logs`, { entries });
    await api.post(`/runs/${run}/cancel`);
    const outcome = outcomeOf(start('logs', run, '--follow', '--stream', 'stderr'));
    expect(await outcome).toEqual({ code: 0, stdout: 'b\n', stderr: '' });
  });

  it('ends quietly with 130 after Ctrl-C', async () => {
    const run = await idOf('/runs');
    await log(run, 'one');
    const child = start('logs', run, '--follow');
    const outcome = outcomeOf(child);
    await printed(child, 1);
    child.kill('SIGINT');
    expect(await outcome).toEqual({ code: 130, stdout: 'one\n', stderr: '' });
  });
});

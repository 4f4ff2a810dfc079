import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Api } from './support/api.js';
import { outcomeOf, startRunledger } from './support/runledger.js';
import { type Server, startServer } from './support/server.js';
import { until } from './support/supervised-service.js';

let server: Server;
let api: Api;
let run: string;
beforeAll(async () => {
  server = await startServer();
  api = new Api(server.url, server.key);
  run = (await api.made('/runs')).id;
});
afterAll(async () => {
  await server.stop();
});

const begun = (...args: string[]) =>
  startRunledger(args, { RUNLEDGER_URL: server.url, RUNLEDGER_API_KEY: server.key });
const runledger = (...args: string[]) => outcomeOf(begun(...args));
const started = async (...args: string[]): Promise<Record<string, unknown>> => {
  const { code, stdout, stderr } = await runledger('start', run, ...args);
  expect([code, stderr]).toEqual([0, '']);
  return JSON.parse(stdout) as Record<string, unknown>;
};

describe('runledger start, ps, attach and kill', () => {
  it('start a process, show what it writes, and exit as it did', async () => {
    const script = 'echo "$A in $PWD"; echo err >&2; exit 5';
    const process = await started('--env', 'A=x=y', '--timeout', '60', '--', 'sh', '-c', script);
    expect(process).toMatchObject({ command: 'sh', env_keys: ['A'], timeout_seconds: 60 });
    const attached = await runledger('attach', String(process['id']));
    expect(attached).toMatchObject({ code: 5, stderr: 'err\n' });
    expect(attached.stdout).toMatch(/^x=y in \/.*\n$/);
  });

  it('say what the output of a process alone does not', async () => {
    const { id } = await started('--', 'sh', '-c', 'head -c 262145 /dev/zero');
    const cut = await runledger('attach', String(id));
    expect([cut.code, cut.stdout.length, cut.stderr]).toEqual([
      0,
      262_144,
      'runledger: of its 262145 bytes of stdout only the first are kept\n',
    ]);
    const short = await started('--output-limit', '3', '--', 'echo', 'hello');
    expect(await runledger('attach', String(short['id']))).toMatchObject({
      stdout: 'hel',
      stderr: 'runledger: of its 6 bytes of stdout only the first are kept\n',
    });
    const missing = await started('--', 'no-such-command');
    expect(await runledger('attach', String(missing['id']))).toMatchObject({
      code: 127,
      stderr: 'runledger: The command was not found in PATH.\n',
    });
  });

  it('list the processes of a run, and end one', async () => {
    const { id } = await started('--', 'sleep', '600');
    let running = '';
    await until(async () => (running = (await runledger('ps', run, '--status', 'running')).stdout) !== '');
    expect(JSON.parse(running)).toMatchObject({ id, status: 'running' });
    expect(await runledger('kill', String(id), '--signal', 'SIGINT')).toMatchObject({ code: 0 });
    expect((await runledger('attach', String(id))).code).toBe(130);
  });

  it('stop following when nobody reads any more, though the other stream goes on', async () => {
    const { id } = await started('--', 'sh', '-c', 'while echo y; do sleep 0.1; done');
    const attached = begun('attach', String(id));
    attached.stdout.once('data', () => attached.stdout.destroy());
    expect(await once(attached, 'exit')).toEqual([0, null]);
    expect(await runledger('kill', String(id))).toMatchObject({ code: 0 });
  });

  it.each([
    [['ps'], 'missing argument <run>'],
    [['start', 'r'], 'missing argument: -- <command>'],
    [['start', 'r', '--env', 'A', '--', 'true'], "--env takes NAME=VALUE, not 'A'"],
    [['kill', 'p', '--grace', 'x'], '--grace must be a whole number from 0'],
  ])('refuse %j', async (args, sentence) => {
    const outcome = await runledger(...args);
    expect(outcome).toMatchObject({ code: 2, stdout: '' });
    expect(outcome.stderr).toContain(sentence);
  });

  it('say what the server refused', async () => {
    const outcome = await runledger('attach', 'nothing');
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toContain('There is no such resource');
  });
});

import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { FollowResult } from './follow.js';
import type { FollowedOutput } from './follow-output.js';
import type { LoadResult } from './generate.js';
import type { Listening } from './server.js';

export interface BenchServer extends Listening {
  readonly key: string;
  readonly pid: number;
  stop(): Promise<void>;
}

/** Starts the server under test in a process and a data directory of its own. @throws when it ends before it listens */
export const startServer = async (): Promise<BenchServer> => {
  const flags = await readFile(join(import.meta.dirname, '../../scripts/node-flags.txt'), 'utf8');
  const directory = await mkdtemp(join(tmpdir(), 'runledger-bench-'));
  const key = `bench_${randomBytes(16).toString('hex')}`;
  const child = fork(join(import.meta.dirname, '../server/bench.js'), {
    execArgv: flags.trim().split(' '),
    env: { ...process.env, DATA_DIR: directory, PORT: '0', BOOTSTRAP_API_KEY: key, LOG_LEVEL: 'silent' },
  });
  const ended = once(child, 'exit');
  const failed = ended.then(([code]): never => {
    throw new Error(`the server under test ended with ${String(code)}`);
  });
  const [listening] = (await Promise.race([once(child, 'message'), failed])) as [Listening];
  failed.catch(() => undefined);
  return {
    ...listening,
    key,
    pid: child.pid ?? 0,
    stop: async () => {
      if (child.connected) child.disconnect();
      await ended;
      await rm(directory, { recursive: true, force: true });
    },
  };
};

const run = promisify(execFile);

type Options = Readonly<Record<string, string | number | readonly string[] | undefined>>;

/** Runs one of the bench's generators and reads its line. @throws when it fails, or the server refused anything */
export const generator = async (program: 'load' | 'raw-insert', options: Options): Promise<LoadResult> => {
  const result = (await lineOf(program, options)) as LoadResult;
  if (Object.keys(result.refused).length > 0) {
    throw new Error(`the server refused requests, by status: ${JSON.stringify(result.refused)}`);
  }
  return result;
};

/** Runs the followers of a feed and the writer of what they follow. @throws when an event did not arrive everywhere */
export const followers = async (options: Options): Promise<FollowResult> =>
  (await lineOf('follow', options)) as FollowResult;

/** Follows the output of a process to its end. */
export const outputFollower = async (options: Options): Promise<FollowedOutput> =>
  (await lineOf('follow-output', options)) as FollowedOutput;

const lineOf = async (program: string, options: Options): Promise<unknown> => {
  const args = Object.entries(options).flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().flatMap((one) => [`--${name}`, String(one)]),
  );
  const { stdout } = await run(process.execPath, [join(import.meta.dirname, `${program}.js`), ...args]);
  return JSON.parse(stdout);
};

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export type Env = Readonly<Record<string, string>>;

/** Starts the command line program with this environment and no other; its output is for the caller to read. */
export const startRunledger = (args: readonly string[], env: Env) =>
  spawn(process.execPath, ['bin/runledger.mjs', ...args], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });

/** All that it prints, and how it ends. */
export const outcomeOf = async (child: ReturnType<typeof startRunledger>): Promise<Outcome> => {
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { code: child.exitCode, stdout, stderr };
};

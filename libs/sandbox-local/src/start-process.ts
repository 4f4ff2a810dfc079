import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Duplex, Readable, Writable } from 'node:stream';
import type { ProcessSpec } from '#processes';
import { toolEnvironment } from './first-process.js';
import type { Identity } from './identity.js';
import { sealed } from './inherited.js';
import { LocalProcess } from './local-process.js';
import { commanding, joining } from './scripts.js';

/** What leads into an open sandbox. */
export interface Entrance {
  readonly identity: Identity;
  /** The `unshare` that waits for the first process: while it is not reaped, its pid is nobody else's. */
  readonly holder: number;
  readonly workdir: string;
  /** Open descriptors of the `cgroup.procs` to join. */
  readonly cgroups: readonly number[];
}

/**
 * The arguments of `setpriv` that run a program within the namespaces of a sandbox. When the service dies the
 * program does too, by the first process; `nsenter` then has to be awake to see it and to end, hence the CONT.
 */
export function within({ identity, holder }: Entrance, program: readonly string[]): string[] {
  const pids = `--pid=/proc/${holder}/ns/pid_for_children`;
  const target = ['--target', String(holder), '--mount', '--ipc', pids, ...identity.nsenter];
  return ['--pdeathsig', 'CONT', 'nsenter', ...target, ...program];
}

function variables(workdir: string, added: Readonly<Record<string, string>>): Record<string, string> {
  const wrong = Object.keys(added).find((name) => !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name));
  if (wrong !== undefined) throw new RangeError(`${wrong} cannot be the name of an environment variable.`);
  return { ...toolEnvironment(), HOME: workdir, LANG: 'C.UTF-8', TMPDIR: '/tmp', ...added };
}

/** Resolves once the command runs, or cannot run. */
export async function startProcess(entrance: Entrance, spec: ProcessSpec): Promise<LocalProcess> {
  const { identity, workdir, cgroups } = entrance;
  const environment = variables(workdir, spec.env);
  const entries = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  const script = ['sh', '-c', commanding(entries.length), 'sh', workdir, join(workdir, spec.cwd ?? '')];
  const command = [...script, environment.PATH ?? '', spec.command, ...spec.args];
  const inside = ['setsid', 'setpriv', ...identity.drop, ...command];
  const joined =
    cgroups.length === 0 ? inside : ['sh', '-c', joining, 'sh', String(cgroups.length), ...inside];
  const child = spawn('setpriv', within(entrance, joined), {
    cwd: '/',
    env: {
      ...toolEnvironment(),
      ...Object.fromEntries(entries.map((entry, n) => [`RUNLEDGER_ENV_${n}`, entry])),
    },
    detached: true,
    stdio: sealed(['pipe', 'pipe', 'pipe', 'pipe', ...cgroups]),
  }) as ChildProcess & { stdin: Writable; stdout: Readable; stderr: Readable };
  const started = new LocalProcess(child);
  const told = await firstWords(child, child.stdio[3] as Duplex);
  const [code, ...reason] = told.trim().split(' ');
  if (code === 'started') started.running();
  else started.cannot({ exit_code: Number(code), reason: reason.join(' ') });
  return started;
}

async function firstWords(child: ChildProcess, channel: Duplex): Promise<string> {
  const told = once(channel, 'data').then(([words]) => String(words));
  const ended = once(channel, 'end').then(() => undefined);
  const failed = once(child, 'error').then(([error]) => Promise.reject(error as Error));
  const words = await Promise.race([told, ended, failed]);
  channel.destroy();
  if (words === undefined) throw new Error('The sandbox could not be entered.');
  return words;
}

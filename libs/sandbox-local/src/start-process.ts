import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Duplex, Readable, Writable } from 'node:stream';
import { commandLine, readTold, type ProcessSpec } from '#processes';
import { toolEnvironment } from './first-process.js';
import type { Identity } from './identity.js';
import { sealed } from './inherited.js';
import { LocalProcess } from './local-process.js';
import { joining } from './scripts.js';

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

/** Resolves once the command runs, or cannot run. */
export async function startProcess(entrance: Entrance, spec: ProcessSpec): Promise<LocalProcess> {
  const { identity, workdir, cgroups } = entrance;
  const clean = { ...toolEnvironment(), HOME: workdir, LANG: 'C.UTF-8', TMPDIR: '/tmp' };
  const { argv, env } = commandLine(workdir, spec, clean);
  const inside = ['setsid', 'setpriv', ...identity.drop, ...argv];
  const joined =
    cgroups.length === 0 ? inside : ['sh', '-c', joining, 'sh', String(cgroups.length), ...inside];
  const child = spawn('setpriv', within(entrance, joined), {
    cwd: '/',
    env: { ...toolEnvironment(), ...env },
    detached: true,
    stdio: sealed(['pipe', 'pipe', 'pipe', 'pipe', ...cgroups]),
  }) as ChildProcess & { stdin: Writable; stdout: Readable; stderr: Readable };
  const started = new LocalProcess(child);
  const told = readTold(await firstWords(child, child.stdio[3] as Duplex));
  if ('pid' in told) started.running();
  else started.cannot(told);
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

import { execFileSync } from 'node:child_process';
import { existsSync, linkSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { StartProblem, codeOf, reasonOf } from './start-problem.js';

/** Says that the data dir is ours no longer. */
export type Release = () => void;

/**
 * Makes this process the only server on a data dir, which is made when missing. A holder that died
 * (pid and start time tell) loses the lock. Throws a `StartProblem` that names the holder.
 *
 * Locks are numbered, and a dead one is never removed to be taken but followed by the next number:
 * of two processes that find it dead only one can make that file.
 */
export function lockDataDir(dataDir: string): Release {
  const draft = join(dataDir, `.lock-${process.pid}`);
  try {
    makeFolder(resolve(dataDir), process.getuid?.() === 0 ? 0o711 : 0o700);
    writeFileSync(draft, `${process.pid} ${startOf(process.pid)}`);
  } catch (error) {
    throw new StartProblem(`DATA_DIR ${dataDir} cannot be used: ${reasonOf(error)}.`);
  }
  try {
    return take(dataDir, draft);
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Makes a folder and those above it. Node's recursive `mkdir` never returns where the system says ENOENT, as /proc does. */
function makeFolder(path: string, mode: number): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path), mode);
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
}

function take(dataDir: string, draft: string): Release {
  for (;;) {
    const numbers = locksIn(dataDir);
    const last = Math.max(0, ...numbers);
    const holder = holderOf(nameOf(dataDir, last));
    if (holder !== undefined) {
      throw new StartProblem(`Another server (pid ${holder}) is running on DATA_DIR ${dataDir}.`);
    }
    const ours = nameOf(dataDir, last + 1);
    try {
      // A link appears with its content, so that nobody ever reads a lock without a holder.
      linkSync(draft, ours);
    } catch (error) {
      if (codeOf(error) === 'EEXIST') continue;
      throw new StartProblem(`DATA_DIR ${dataDir} cannot be locked: ${reasonOf(error)}.`);
    }
    for (const number of numbers) rmSync(nameOf(dataDir, number), { force: true });
    return () => {
      writeFileSync(ours, '');
    };
  }
}

function locksIn(dataDir: string): number[] {
  return readdirSync(dataDir).flatMap((name) => Number(/^lock-(\d+)$/.exec(name)?.[1] ?? Number.NaN) || []);
}

function nameOf(dataDir: string, number: number): string {
  return join(dataDir, `lock-${number}`);
}

/** The live process that a lock names; undefined when it is released, or its holder is dead. */
function holderOf(lock: string): number | undefined {
  let content: string;
  try {
    content = readFileSync(lock, 'utf8');
  } catch {
    return undefined;
  }
  const [pid = '', ...start] = content.split(' ');
  return pid !== '' && startOf(Number(pid)) === start.join(' ') ? Number(pid) : undefined;
}

/** What tells a process from a later one with its pid: when it started. Empty when there is none. */
function startOf(pid: number): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The 22nd field, counted after the program's name, which may have spaces and brackets in it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? '' : `${boot} ${fields[19] ?? ''}`;
  } catch {
    return process.platform === 'linux' ? '' : startByPs(pid);
  }
}

function startByPs(pid: number): string {
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
  } catch {
    return '';
  }
}

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, readlinkSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * Ends what still runs on a cluster: a postmaster that a killed server left is shut down in order, and
 * backends whose postmaster was killed are killed too, because no new one starts beside them.
 * Nothing committed is lost by either; the next start recovers it from the write-ahead log.
 */
export async function endLeftovers(cluster: string): Promise<void> {
  const postmaster = postmasterOf(cluster);
  if (postmaster !== undefined) {
    for (const [signal, patience] of [
      ['SIGINT', 30_000],
      ['SIGQUIT', 5_000],
    ] as const) {
      send(postmaster, signal);
      if (await waitUntil(() => postmasterOf(cluster) === undefined, patience)) break;
    }
  }
  const gone = await waitUntil(() => {
    const left = processesOf(cluster);
    for (const pid of left) send(pid, 'SIGKILL');
    return left.length === 0;
  }, 10_000);
  // A killed postmaster that nobody has reaped yet still has its pid, which a new one would take for a living one.
  if (gone && existsSync('/proc/self/cwd')) rmSync(join(cluster, 'postmaster.pid'), { force: true });
}

/** The live postmaster named in the cluster's pid file; a pid that another program has by now is none. */
function postmasterOf(cluster: string): number | undefined {
  const file = join(cluster, 'postmaster.pid');
  if (!existsSync(file)) return undefined;
  const pid = Number.parseInt(readFileSync(file, 'utf8'), 10);
  if (!(pid > 1)) return undefined;
  const isOurs = existsSync('/proc/self/cwd')
    ? processesOf(cluster).includes(pid)
    : commandOf(pid).includes(cluster);
  return isOurs ? pid : undefined;
}

/** Every process of a cluster, where /proc tells: all of them work in its folder, and no others do. */
function processesOf(cluster: string): number[] {
  if (!existsSync('/proc/self/cwd') || !existsSync(cluster)) return [];
  const folder = realpathSync(cluster);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && linkOf(`/proc/${name}/cwd`) === folder)
    .filter((name) => /\/postgres( \(deleted\))?$/.test(linkOf(`/proc/${name}/exe`) ?? ''))
    .map(Number);
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined; // over by now, or another user's
  }
}

function commandOf(pid: number): string {
  try {
    return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
  } catch {
    return '';
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Over by now, which is what was wanted.
  }
}

async function waitUntil(condition: () => boolean, milliseconds: number): Promise<boolean> {
  const end = Date.now() + milliseconds;
  while (!condition()) {
    if (Date.now() > end) return false;
    await delay(10);
  }
  return true;
}

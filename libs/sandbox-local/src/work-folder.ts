import { execFile } from 'node:child_process';
import { chmod, chown, mkdir, realpath, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Identity } from './identity.js';

/** The folders of a sandbox: `work` for its processes, `tmp` for what they see as /tmp. */
export interface WorkFolder {
  /** The real path of the folder that holds them. */
  readonly folder: string;
  readonly work: string;
  readonly tmp: string;
  /** The first folder above them that their processes may not enter, if there is one. */
  readonly closed: readonly string[];
}

/** @throws Error when the folder exists: two sandboxes never share one */
export async function makeWorkFolder(folder: string, { uid, gid }: Identity): Promise<WorkFolder> {
  await mkdir(dirname(folder), { recursive: true });
  await mkdir(folder, { mode: 0o711 });
  const real = await realpath(folder);
  const [work, tmp] = [join(real, 'work'), join(real, 'tmp')];
  for (const path of [work, tmp]) {
    await mkdir(path, { mode: 0o700 });
    await chown(path, uid, gid);
  }
  await chmod(tmp, 0o1777);
  return { folder: real, work, tmp, closed: await closedAbove(real, uid) };
}

async function closedAbove(folder: string, uid: number): Promise<string[]> {
  const above = dirname(folder) === folder ? [] : await closedAbove(dirname(folder), uid);
  if (above.length > 0) return above;
  const { mode, uid: owner } = await stat(folder);
  return owner === uid || (mode & 0o001) !== 0 ? [] : [folder];
}

/** A process may have left folders that even their owner cannot empty. */
export async function removeWorkFolder(folder: string): Promise<void> {
  const remove = () => rm(folder, { recursive: true, force: true });
  await remove().catch(async () => {
    await promisify(execFile)('chmod', ['-R', 'u+rwx', '--', folder]).catch(() => undefined);
    await remove();
  });
}

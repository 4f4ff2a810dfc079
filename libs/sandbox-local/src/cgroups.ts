import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, open, readFile, rmdir, writeFile, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { LimitNotEnforceable, type LimitName, type SandboxLimits } from '#processes';
import { ownCgroups, type OwnCgroup } from './cgroup-mounts.js';
import { toolEnvironment } from './first-process.js';
import { controllers, limitFiles } from './limit-files.js';
import { joining } from './scripts.js';

/** The cgroups of one sandbox: below the service's own, so that what holds for the service holds for it too. */
export class Cgroups {
  readonly enforced: LimitName[] = [];
  readonly #open = new Map<string, FileHandle>();

  get folders(): string[] {
    return [...this.#open.keys()];
  }

  /** Who writes 0 into these joins the cgroups. */
  get descriptors(): number[] {
    return [...this.#open.values()].map(({ fd }) => fd);
  }

  /** @throws Error when the cgroup cannot be made, set or joined */
  async hold(name: string, parent: OwnCgroup, limit: LimitName, amount: number): Promise<void> {
    const folder = join(parent.folder, name);
    await mkdir(folder, { recursive: true });
    try {
      for (const { file, value, optional = false } of limitFiles(parent.version, limit, amount)) {
        const path = join(folder, file);
        if (optional && !(await exists(path))) continue;
        await writeFile(path, value);
      }
      if (!this.#open.has(folder)) this.#open.set(folder, await joinable(folder));
      this.enforced.push(limit);
    } finally {
      if (!this.#open.has(folder)) await rmdir(folder);
    }
  }

  async remove(): Promise<void> {
    const folders = this.folders;
    for (const handle of this.#open.values()) await handle.close();
    this.#open.clear();
    await removeCgroups(folders);
  }
}

/** @throws LimitNotEnforceable for the first that cannot be held, unless `bestEffort` */
export async function hold(
  cgroups: Cgroups,
  name: string,
  limits: SandboxLimits,
  bestEffort: boolean,
): Promise<void> {
  const asked = (Object.keys(controllers) as LimitName[]).filter((limit) => limits[limit] !== undefined);
  if (asked.length === 0) return;
  const wanted = asked.map((limit) => controllers[limit]);
  const found = await parents(await ownCgroups(), wanted);
  for (const limit of asked) {
    try {
      const parent = found.get(controllers[limit]);
      if (parent === undefined)
        throw new Error(`no cgroup with ${controllers[limit]} is given to this service`);
      await cgroups.hold(name, parent, limit, limits[limit] ?? 0);
    } catch (error) {
      if (bestEffort) continue;
      throw new LimitNotEnforceable(limit, error instanceof Error ? error.message : String(error));
    }
  }
}

/**
 * Where the cgroup for a controller is to be. Version 1 has a hierarchy for each. In version 2 a process is in
 * one cgroup only, and one that holds processes (such as our own) passes no controller on to cgroups below it:
 * of those above, the nearest that passes on the most of what is wanted is taken, for all of them.
 */
async function parents(
  own: readonly OwnCgroup[],
  wanted: readonly string[],
): Promise<Map<string, OwnCgroup>> {
  const found = new Map<string, OwnCgroup>();
  const unified = own.find(({ version }) => version === 2);
  for (let folder = unified?.folder; unified && folder; folder = above(folder, unified)) {
    const passed = (await readFile(join(folder, 'cgroup.subtree_control'), 'utf8')).trim().split(' ');
    const held = wanted.filter((name) => passed.includes(name));
    if (held.length <= found.size) continue;
    found.clear();
    for (const name of held) found.set(name, { ...unified, folder });
  }
  for (const hierarchy of own.filter(({ version }) => version === 1)) {
    for (const name of hierarchy.controllers) found.set(name, hierarchy);
  }
  return found;
}

const above = (folder: string, { mount }: OwnCgroup) => (folder === mount ? undefined : dirname(folder));

/** Proves with a process that ends at once that the cgroup can be joined: the right to is asked only then. */
async function joinable(folder: string): Promise<FileHandle> {
  const handle = await open(join(folder, 'cgroup.procs'), 'w');
  const probe = spawn('sh', ['-c', joining, 'sh', '1', 'true'], {
    env: toolEnvironment(),
    stdio: ['ignore', 'ignore', 'ignore', 'ignore', handle.fd],
  });
  const [code] = (await once(probe, 'exit')) as [number | null];
  if (code === 0) return handle;
  await handle.close();
  throw new Error(`the cgroup ${folder} may not be joined`);
}

/** A cgroup can be removed once its last process is gone, which may be a moment after it was killed. */
export async function removeCgroups(folders: readonly string[]): Promise<void> {
  for (const folder of folders) {
    for (let tries = 0; (await stillThere(folder)) && tries < 100; tries++) await delay(20);
  }
}

async function stillThere(folder: string): Promise<boolean> {
  return rmdir(folder).then(
    () => false,
    (error: unknown) => (error as NodeJS.ErrnoException).code === 'EBUSY',
  );
}

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

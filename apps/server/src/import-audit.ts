import 'reflect-metadata';
import { importEvents, type Imported, NotEmpty } from '#audit';
import { verifyExport } from '#evidence';
import { instanceLock } from '#http';
import type { Database } from '#read-models';
import { moveHorizon } from '#webhooks';
import { Core } from './core.module.js';
import { EmbeddedPostgres } from './embedded-postgres.js';
import { lockDataDir } from './instance-lock.js';
import { readSettings, type Settings } from './settings.js';
import { StartProblem } from './start-problem.js';
import { usableDatabase } from './usable-database.js';

/** Appends that the Postgres store may have in flight; it keeps their order. KurrentDB does not. */
const together = { postgres: 500, kurrent: 1 };

/**
 * Fills an empty instance from an export of all projects. The server must not be running: it would react to
 * the first half of a history. Positions may differ from those of before, everything else is the same.
 * @param env the settings of the server
 * @returns what was done, or why it was not
 */
export async function importInto(
  dir: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Imported & { refusal?: string }> {
  const none = { stored: 0, found: 0 };
  const refusal = await unfit(dir);
  if (refusal !== undefined) return { ...none, refusal };
  try {
    return await withDatabase(readSettings(env), (url, eventStoreUrl) => fill(dir, url, eventStoreUrl));
  } catch (error) {
    if (error instanceof StartProblem) return { ...none, refusal: error.message };
    if (error instanceof NotEmpty)
      return { ...none, refusal: `The instance is not empty: ${error.message}.` };
    throw error;
  }
}

/** Why an export cannot be imported. */
async function unfit(dir: string): Promise<string | undefined> {
  const verification = await verifyExport(dir).catch((error: unknown) => (error as Error).message);
  if (typeof verification === 'string') return `${dir} cannot be read: ${verification}.`;
  const { findings, manifest } = verification;
  const [first] = findings;
  if (first !== undefined) return `The export is not as it was made: ${first.what}: ${first.where}.`;
  if (manifest?.scope !== 'instance') return 'Only an export of all projects can be imported (--instance).';
  if (manifest.start.size > 0) return 'Only an export from the first event on can be imported.';
  return undefined;
}

async function withDatabase<T>(
  { dataDir, databaseUrl, eventStoreUrl }: Settings,
  work: (databaseUrl: string, eventStoreUrl?: string) => Promise<T>,
): Promise<T> {
  const release = lockDataDir(dataDir);
  try {
    if (databaseUrl !== undefined) return await work(await usableDatabase(databaseUrl), eventStoreUrl);
    const postgres = await EmbeddedPostgres.start({ dataDir });
    try {
      return await work(postgres.url, eventStoreUrl);
    } finally {
      await postgres.stop();
    }
  } finally {
    release();
  }
}

async function fill(dir: string, databaseUrl: string, eventStoreUrl?: string): Promise<Imported> {
  const core = await Core.open({ databaseUrl, ...(eventStoreUrl !== undefined && { eventStoreUrl }) });
  try {
    if ((await servers(core.database)) > 1) throw new StartProblem('A server is running on this database.');
    const most = eventStoreUrl === undefined ? together.postgres : together.kurrent;
    const imported = await importEvents(core.store, dir, most);
    // What was told to webhooks before is not told again.
    await moveHorizon(core.database, await core.store.head());
    return imported;
  } finally {
    await core.close();
  }
}

/** How many processes work on the database, this one among them. */
async function servers(database: Database): Promise<number> {
  const [row] = await database.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM pg_locks
     WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND classid = $1
     AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    [instanceLock],
  );
  return row?.count ?? 0;
}

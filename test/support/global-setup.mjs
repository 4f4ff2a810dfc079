import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');
const compiled = join(root, 'dist/apps/server/src/embedded-postgres.js');

/** One embedded Postgres for the whole run, in TEST_DATABASE_URL; each spec file makes its own database in it. */
export default async function globalSetup() {
  if (!existsSync(compiled))
    spawnSync(process.execPath, [join(root, 'scripts/build.mjs')], { stdio: 'ignore' });
  const { EmbeddedPostgres } = await import(compiled);
  const dataDir = mkdtempSync(join(tmpdir(), 'runledger-test-'));
  // Kept by nobody, so not worth waiting for the disk; the specs that kill have durable ones of their own.
  const tuning = { fsync: 'off', max_connections: '600' };
  const postgres = await EmbeddedPostgres.start({ dataDir, tuning, notice: console.error });
  process.env.TEST_DATABASE_URL = postgres.url;
  globalThis.testPostgres = { postgres, dataDir };
}

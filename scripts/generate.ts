import 'reflect-metadata';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { ProjectionsStatus } from '#read-models';
import { createApp } from '../apps/server/src/app.js';
import { EmbeddedPostgres } from '../apps/server/src/embedded-postgres.js';
import { openApiDocument } from '../apps/server/src/openapi.js';
import { readSettings } from '../apps/server/src/settings.js';
import { schemaDump } from './schema-dump.js';

const root = resolve(import.meta.dirname, '../..');

/** What is generated from the code, by file name, made by the real application on a database of its own. */
async function generated(databaseUrl: string, dataDir: string): Promise<Record<string, string>> {
  const settings = readSettings({ DATA_DIR: dataDir, LOG_LEVEL: 'error', ROLES: 'api,projector' });
  const app = await createApp({ settings, databaseUrl, bootstrapKey: 'no key opens this server' });
  try {
    await built(app.nest.get(ProjectionsStatus));
    const document = openApiDocument(app.nest);
    return {
      'openapi.json': `${JSON.stringify(document, null, 2)}\n`,
      'schema.sql': await dumped(databaseUrl),
    };
  } finally {
    await app.close();
  }
}

/** Waits until every projection has made its tables. */
async function built(status: ProjectionsStatus): Promise<void> {
  while ((await status.all()).some(({ state }) => state === 'waiting' || state === 'rebuilding')) {
    await pause(20);
  }
}

async function dumped(connectionString: string): Promise<string> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    return await schemaDump(client);
  } finally {
    await client.end();
  }
}

/** @returns the names of the files that are not as they would be generated */
function differing(files: Record<string, string>): string[] {
  return Object.entries(files)
    .filter(([name, text]) => {
      const path = join(root, name);
      return !existsSync(path) || readFileSync(path, 'utf8') !== text;
    })
    .map(([name]) => name);
}

async function main(check: boolean): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'runledger-generate-'));
  const postgres = await EmbeddedPostgres.start({ dataDir, tuning: { fsync: 'off' } });
  try {
    const files = await generated(postgres.url, dataDir);
    const stale = differing(files);
    for (const name of stale) {
      if (check) process.stderr.write(`${name} is not what the code says: run \`npm run generate\`\n`);
      else writeFileSync(join(root, name), files[name] ?? '');
    }
    if (check && stale.length > 0) process.exitCode = 1;
  } finally {
    await postgres.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

await main(process.argv.includes('--check'));

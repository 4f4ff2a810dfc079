import type { MigrationInterface } from 'typeorm';
import pg from 'pg';
import { StartProblem } from './start-problem.js';

/**
 * Refuses tables that a newer version has changed, on which this one would fail bit by bit.
 * @param migrations all that this version knows
 * @throws StartProblem when others have been carried out
 */
export async function refuseNewerData(
  url: string,
  migrations: readonly (new () => MigrationInterface)[],
): Promise<void> {
  const known = new Set(migrations.map(({ name }) => name));
  const newer = (await carriedOut(url)).find((name) => !known.has(name));
  if (newer === undefined) return;
  throw new StartProblem(
    `The data belong to a newer version of Runledger (${newer}); start that one, or restore a backup.`,
  );
}

async function carriedOut(url: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined); // told by its statements
  await client.connect();
  try {
    const table = 'public.runledger_migrations';
    const { rows } = await client.query<{ there: boolean }>('SELECT to_regclass($1) IS NOT NULL AS there', [
      table,
    ]);
    if (rows[0]?.there !== true) return [];
    return (await client.query<{ name: string }>(`SELECT name FROM ${table}`)).rows.map(({ name }) => name);
  } finally {
    await client.end();
  }
}

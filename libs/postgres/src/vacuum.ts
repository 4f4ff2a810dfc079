import type { Pool } from 'pg';
import { unavailable } from './unavailable.js';

/**
 * From this share of removed rows on, the time that it takes is worth it; Postgres itself waits for a fifth. What is
 * removed is far larger than what stays, as a rule, and its bytes lie in a TOAST table of their own.
 */
const much = 0.01;

const worthIt = `
  SELECT c.oid::regclass::text AS name FROM unnest($1::text[]) AS t(name)
  JOIN pg_class c ON c.oid = to_regclass(t.name) WHERE $2 > ${much} * c.reltuples`;

/**
 * Has Postgres use the space of deleted rows again, and give back what lies free at the end of the files; it
 * stops the latter when others wait for the table.
 * @param tables with their schema
 * @param removed about how many rows were deleted
 * @throws StoreUnavailable
 */
export async function vacuumWhenMuchIsDead(
  pool: Pool,
  tables: readonly string[],
  removed: number,
): Promise<void> {
  try {
    const { rows } = await pool.query<{ name: string }>(worthIt, [tables, removed]);
    for (const { name } of rows) await pool.query(`VACUUM (PARALLEL 0, SKIP_LOCKED) ${name}`);
  } catch (error) {
    throw unavailable(error);
  }
}

import type { Projection, Sql } from './projection.js';

/** Whether the tables of this very version are there: after an upgrade they must be built first. */
export async function serves(
  sql: Sql,
  { name, version }: Pick<Projection, 'name' | 'version'>,
): Promise<boolean> {
  const rows = await sql.query(
    `SELECT 1 FROM runledger.projections WHERE name = $1 AND build = 'serving' AND version = $2`,
    [name, version],
  );
  return rows.length > 0;
}

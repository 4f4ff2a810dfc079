import type { Client } from 'pg';
import type { TableComparison } from './rebuild-requests.js';

const mostExamples = 5;

/** Compares all tables of two schemas row by row, as text. Reads both in one snapshot. */
export async function compareSchemas(
  client: Client,
  served: string,
  built: string,
): Promise<TableComparison[]> {
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  try {
    const { rows: tables } = await client.query<{ name: string; key: string[] | null }>(
      `SELECT c.relname AS name, (
         SELECT array_agg(a.attname::text ORDER BY array_position(i.indkey::int[], a.attnum::int))
         FROM pg_index i JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
         WHERE i.indrelid = c.oid AND i.indisprimary) AS key
       FROM pg_class c WHERE c.relnamespace = $1::regnamespace AND c.relkind = 'r' ORDER BY c.relname`,
      [`"${built}"`],
    );
    const compared: TableComparison[] = [];
    for (const { name, key } of tables)
      compared.push(await compareTables(client, served, built, name, key ?? []));
    return compared;
  } finally {
    await client.query('COMMIT');
  }
}

/** Names come from the catalogue, never from a request. */
async function compareTables(
  client: Client,
  served: string,
  built: string,
  table: string,
  key: readonly string[],
): Promise<TableComparison> {
  const keys = key.length === 0 ? `''` : `concat_ws(' ', ${key.map((column) => `t."${column}"`).join(', ')})`;
  const rowsOf = (schema: string): string =>
    `SELECT ${keys} AS key, t::text AS row FROM "${schema}"."${table}" t`;
  const { rows } = await client.query<{ rows: string; differences: string; examples: string[] }>(
    `WITH differing AS (
       (${rowsOf(served)} EXCEPT ALL ${rowsOf(built)}) UNION ALL (${rowsOf(built)} EXCEPT ALL ${rowsOf(served)}))
     SELECT (SELECT count(*) FROM "${served}"."${table}") AS rows, (SELECT count(*) FROM differing) AS differences,
       ARRAY(SELECT DISTINCT key FROM differing ORDER BY key LIMIT ${mostExamples}) AS examples`,
  );
  const [{ rows: count, differences, examples }] = rows as [(typeof rows)[0]];
  return { table, rows: Number(count), differences: Number(differences), examples };
}

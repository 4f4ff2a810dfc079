import pg from 'pg';

/** All rows of all tables of all read models, as text, sorted; by the table's name. */
export async function readModelRows(url: string): Promise<Record<string, string[]>> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query("SET timezone TO 'UTC'");
    const { rows: tables } = await client.query<{ name: string }>(
      `SELECT format('%I.%I', t.schemaname, t.tablename) AS name FROM pg_tables t
       JOIN runledger.projections p ON p.name = t.schemaname AND p.build = 'serving' ORDER BY 1`,
    );
    const found: Record<string, string[]> = {};
    for (const { name } of tables) {
      const { rows } = await client.query<{ row: string }>(
        `SELECT t::text AS row FROM ${name} t ORDER BY t::text COLLATE "C"`,
      );
      found[name] = rows.map(({ row }) => row);
    }
    return found;
  } finally {
    await client.end();
  }
}

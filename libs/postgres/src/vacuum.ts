import type { Pool } from 'pg';
import { unavailable } from './unavailable.js';

/** From this share of dead rows on, the time that it takes is worth it; Postgres itself waits for a fifth. */
const much = 0.05;

const dead = `
  SELECT s.relid::regclass::text AS name FROM unnest($1::text[]) AS t(name)
  JOIN pg_stat_all_tables s ON s.relid = to_regclass(t.name)
  WHERE s.n_dead_tup > ${much} * (s.n_live_tup + s.n_dead_tup)`;

/**
 * Has Postgres use the space of deleted rows again, and give back what lies free at the end of the files; it
 * stops the latter when others wait for the table. @param tables with their schema @throws StoreUnavailable
 */
export async function vacuumWhenMuchIsDead(pool: Pool, tables: readonly string[]): Promise<void> {
  try {
    const client = await pool.connect();
    try {
      // What this connection has counted must be seen before it is looked at.
      await client.query('SELECT pg_stat_force_next_flush()');
      const { rows } = await client.query<{ name: string }>(dead, [tables]);
      for (const { name } of rows) await client.query(`VACUUM (PARALLEL 0, SKIP_LOCKED) ${name}`);
    } finally {
      client.release();
    }
  } catch (error) {
    throw unavailable(error);
  }
}

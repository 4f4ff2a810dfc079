import { Pool, type QueryConfig, type QueryResult, type QueryResultRow } from 'pg';
import { unavailable } from './unavailable.js';

/** Connections to one database; an idle one that breaks is replaced at its next use. */
export function openPool(url: string, name: string, max: number): Pool {
  const pool = new Pool({ connectionString: url, max, application_name: `runledger ${name}` });
  pool.on('error', () => undefined);
  return pool;
}

/** Runs one statement. @throws StoreUnavailable when the database does not answer */
export async function query<Row extends QueryResultRow>(
  pool: Pool,
  config: QueryConfig<unknown[]>,
): Promise<QueryResult<Row>> {
  try {
    return await pool.query<Row>(config);
  } catch (error) {
    throw unavailable(error);
  }
}

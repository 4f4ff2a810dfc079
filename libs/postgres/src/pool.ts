import {
  type ClientConfig,
  Pool,
  type QueryArrayConfig,
  type QueryConfig,
  type QueryResult,
  type QueryResultRow,
} from 'pg';
import { unavailable } from './unavailable.js';

/** How long is waited for a connection, in milliseconds: nothing is sent yet, so that who waits may be turned away. */
export const longestWait = 30_000;

/**
 * Connections to one database; one that breaks tells so by its statements, and is replaced.
 * @param settings of each connection, such as `pipeline`, or `options` as `-c name=value`
 */
export function openPool(url: string, name: string, max: number, settings: ClientConfig = {}): Pool {
  const application_name = `runledger ${name}`;
  const pool = new Pool({
    connectionString: url,
    max,
    application_name,
    connectionTimeoutMillis: longestWait,
    ...settings,
  });
  pool.on('error', () => undefined);
  // Between two statements of a transaction nobody else listens, and the error would end the process.
  pool.on('connect', (client) => client.on('error', () => undefined));
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

/** The same with each row as the array of its columns, which costs less. @throws StoreUnavailable */
export async function queryArrays<Row extends unknown[]>(
  pool: Pool,
  config: Omit<QueryArrayConfig<unknown[]>, 'rowMode'>,
): Promise<Row[]> {
  try {
    return (await pool.query<Row>({ ...config, rowMode: 'array' })).rows;
  } catch (error) {
    throw unavailable(error);
  }
}

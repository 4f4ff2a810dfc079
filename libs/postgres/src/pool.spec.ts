import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Pool } from 'pg';
import { type Database, freshDatabase } from '../../../test/support/database.js';
import { openPool, query } from './pool.js';

let database: Database;
let pool: Pool;

beforeAll(async () => {
  database = await freshDatabase();
  pool = openPool(database.url, 'test', 2);
});

afterAll(async () => {
  await pool.end();
  await database.drop();
});

test('a connection that ends in the middle of a transaction fails its next statement, and nothing else', async () => {
  const client = await pool.connect();
  await client.query('BEGIN');
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const over = new Promise((resolve) => client.once('end', resolve));
  await query(pool, { text: 'SELECT pg_terminate_backend($1)', values: [rows[0]?.pid] });
  await over;
  await expect(client.query('COMMIT')).rejects.toThrow();
  client.release(true);
  expect((await query(pool, { text: 'SELECT 1 AS n' })).rows).toEqual([{ n: 1 }]);
});

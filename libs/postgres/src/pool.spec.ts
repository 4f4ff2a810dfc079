import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { StoreUnavailable } from '#eventsourcing';
import type { Pool } from 'pg';
import { type Database, freshDatabase } from '../../../test/support/database.js';
import { longestWait, openPool, query } from './pool.js';

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

test('a database that takes connections and says nothing is one that does not answer', async () => {
  const silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  const hanging = openPool(`postgres://127.0.0.1:${port}/none`, 'test', 1);
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
  const asked = Promise.allSettled([1, 2].map(() => query(hanging, { text: 'SELECT 1' })));
  jest.advanceTimersByTime(longestWait);
  jest.useRealTimers();
  const refused = { status: 'rejected', reason: expect.any(StoreUnavailable) };
  expect(await asked).toEqual([refused, refused]);
  await hanging.end();
  silent.close();
});

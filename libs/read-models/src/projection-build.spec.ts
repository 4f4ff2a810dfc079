import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Client } from 'pg';
import type { Batch } from '#eventsourcing';
import { type Database as Fresh, freshDatabase } from '../../../test/support/database.js';
import { Database, type Projection, ReadModels1760000000001, type Sql } from './index.js';
import { ProjectionBuild } from './projection-build.js';

let fresh: Fresh;
let database: Database;
let client: Client;
let build: ProjectionBuild;
/** What the projection does with a batch. */
let apply: (sql: Sql) => Promise<void>;

const toys: Projection = {
  ...{ name: 'toys', version: 1, prefixes: ['toy-'], indexes: '' },
  tables: 'CREATE TABLE toys (n integer PRIMARY KEY)',
  apply: (sql) => apply(sql),
};

beforeEach(async () => {
  fresh = await freshDatabase();
  database = await Database.open(fresh.url, [ReadModels1760000000001]);
  client = new Client({ connectionString: fresh.url, pipeline: true });
  await client.connect();
  build = new ProjectionBuild(client, toys, 'serving');
  await build.create();
  await build.enter();
  apply = nothing;
});
afterEach(async () => {
  await client.end();
  await database.close();
  await fresh.drop();
});

const nothing = () => Promise.resolve();
const put = (n: number) => async (sql: Sql) => {
  await sql.query('INSERT INTO toys VALUES ($1)', [n]);
};
const batch = (position: bigint, events: number): Batch => ({
  ...{ position, caughtUp: true },
  events: Array.from({ length: events }),
});
const checkpoint = () =>
  database.query('SELECT position::integer, events::integer FROM runledger.projections');
const rows = async () =>
  (await database.query<{ n: number }>('SELECT n FROM toys.toys ORDER BY n')).map(({ n }) => n);

test('a batch that writes nothing down leaves its checkpoint to the caller, and is counted with the next', async () => {
  expect(await build.fold(batch(3n, 2))).toBe(false);
  expect(await checkpoint()).toEqual([{ position: 0, events: 0 }]);
  apply = put(1);
  expect(await build.fold(batch(5n, 2))).toBe(true);
  apply = put(2);
  await build.fold(batch(6n, 1));
  expect(await checkpoint()).toEqual([{ position: 6, events: 5 }]);
});

test('taken, it moves its checkpoint, and so does one without events', async () => {
  await build.take(batch(3n, 2));
  expect(await checkpoint()).toEqual([{ position: 3, events: 2 }]);
  apply = () => Promise.reject(new Error('nothing to fold'));
  await build.take(batch(4n, 0));
  expect(await checkpoint()).toEqual([{ position: 4, events: 2 }]);
});

test('a batch of which a statement fails leaves nothing behind, and can be folded again', async () => {
  apply = async (sql) => {
    await put(1)(sql);
    await Promise.all([put(2)(sql), put(1)(sql), put(3)(sql)]);
  };
  await expect(build.fold(batch(3n, 3))).rejects.toThrow('duplicate key');
  expect([await rows(), await checkpoint()]).toEqual([[], [{ position: 0, events: 0 }]]);
  apply = put(1);
  await build.fold(batch(3n, 3));
  expect([await rows(), await checkpoint()]).toEqual([[1], [{ position: 3, events: 3 }]]);
});

test('rows come with their checkpoint or not at all', async () => {
  apply = async (sql) => {
    await put(1)(sql);
    throw new Error('killed in the middle');
  };
  await expect(build.fold(batch(1n, 1))).rejects.toThrow('killed in the middle');
  expect([await rows(), await checkpoint()]).toEqual([[], [{ position: 0, events: 0 }]]);
});

test('a statement behind the end of its batch is refused', async () => {
  let late: Promise<void> = nothing();
  apply = async (sql) => {
    await put(1)(sql);
    late = new Promise((resolve) => setImmediate(resolve)).then(() => put(2)(sql));
  };
  await build.fold(batch(1n, 1));
  await expect(late).rejects.toThrow('behind its transaction');
  expect(await rows()).toEqual([1]);
});

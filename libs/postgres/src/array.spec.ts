import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import pg from 'pg';
import { type Database, freshDatabase } from '../../../test/support/database.js';
import { plainArray, textArray } from './index.js';

let database: Database;
let client: pg.Client;

beforeAll(async () => {
  database = await freshDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
});

afterAll(async () => {
  await client.end();
  await database.drop();
});

const text = fc.oneof(
  fc.constantFrom('', 'NULL', 'null', '"', '\\', '{}', ',', ' ', '\n', 'a-b_c'),
  fc.string({ unit: 'grapheme' }).filter((value) => !value.includes('\0')),
);

test('Postgres reads the texts that were written', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(text), async (values) => {
      const { rows } = await client.query<{ read: string[] }>('SELECT $1::text[] AS read', [
        textArray(values),
      ]);
      expect(rows[0]?.read).toEqual(values);
    }),
  );
});

test('Postgres reads the numbers that were written', async () => {
  const values = [0, -1, 2 ** 53 - 1];
  const { rows } = await client.query<{ read: string[] }>('SELECT $1::bigint[] AS read', [
    plainArray(values),
  ]);
  expect(rows[0]?.read.map(Number)).toEqual(values);
});

import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import pg from 'pg';
import { type Database, freshDatabase } from '../../../test/support/database.js';
import { arrayOf, jsonArray, textArray } from './index.js';

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

/** Texts that Postgres can hold, most of them of what its arrays give a meaning to. */
const trouble = fc.constantFrom(
  '"',
  '\\',
  '{',
  '}',
  ',',
  ' ',
  '\n',
  '\t',
  '\v',
  '\u00a0',
  '\u2028',
  "'",
  'é',
  '😀',
);
const texts = fc.oneof(
  fc.constantFrom('', 'NULL', 'null', 'Null', ' NULL', '{}', '""', '\\', '\\N', 'a,b', '{a}'),
  fc.string({ unit: fc.oneof(trouble, fc.constantFrom('a', 'n', 'u', 'l')) }),
  fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\0', '')),
);

/** The first column of the first row. */
async function answer(statement: string, parameter: unknown): Promise<unknown> {
  const { rows } = await client.query<unknown[]>({ text: statement, values: [parameter], rowMode: 'array' });
  return rows[0]?.[0];
}

it('any texts come back from Postgres as they were, null among them', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.option(texts)), async (values) => {
      expect(await answer('SELECT to_json($1::text[])', arrayOf(values))).toEqual(values);
    }),
    { numRuns: 300 },
  );
});

it.each([
  ['uuid', ['01990000-0000-7000-8000-00000000000a', null]],
  ['bigint', [0, -1, Number.MAX_SAFE_INTEGER, null]],
  ['double precision', [0.1, -1e-7, 1e21]],
  ['boolean', [true, false, null]],
])('values of type %s come back as they were', async (type, values) => {
  expect(await answer(`SELECT to_json($1::${type}[])`, arrayOf(values))).toEqual(values);
});

it('times come back as they were', async () => {
  const times = ['2026-01-02T03:04:05.678Z', null];
  const seconds =
    'SELECT to_json(ARRAY(SELECT extract(epoch FROM t) * 1000 FROM unnest($1::timestamptz[]) t))';
  expect(await answer(seconds, arrayOf(times))).toEqual([Date.parse('2026-01-02T03:04:05.678Z'), null]);
});

it('what is undefined is NULL', async () => {
  expect(await answer('SELECT to_json($1::text[])', arrayOf([undefined, 'a']))).toEqual([null, 'a']);
});

it('long texts come back as they were, in the binary form too', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.option(texts)), async (values) => {
      expect(await answer('SELECT to_json($1::text[])', textArray(values))).toEqual(values);
    }),
    { numRuns: 300 },
  );
});

it('any JSON comes back letter by letter, lone surrogates in their escapes', async () => {
  const json = fc.oneof(
    fc.json({ stringUnit: 'binary' }),
    fc.constantFrom('"\\ud800"', '"\\u0000"', '"a\\nb"', 'null'),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(fc.option(json)), async (documents) => {
      expect(await answer('SELECT to_json($1::json[]::text[])', jsonArray(documents))).toEqual(documents);
    }),
    { numRuns: 300 },
  );
});

it('what is no JSON is refused', async () => {
  await expect(answer('SELECT $1::json[]', jsonArray(['{}', '{']))).rejects.toThrow(/json/);
});

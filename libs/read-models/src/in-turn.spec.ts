import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { StoreUnavailable } from '#eventsourcing';
import { type Database as Fresh, freshDatabase } from '../../../test/support/database.js';
import { Database, inTurn } from './index.js';

let fresh: Fresh;
let database: Database;

beforeEach(async () => {
  fresh = await freshDatabase();
  database = await Database.open(fresh.url, []);
});

afterEach(async () => {
  await database.close();
  await fresh.drop();
});

const waiting = async (): Promise<number | undefined> => {
  const [row] = await database.query<{ count: number }>(
    `SELECT count(*)::integer AS count FROM pg_stat_activity
     WHERE datname = current_database() AND application_name = 'runledger turn test'`,
  );
  return row?.count;
};

test('however many wait for their turn, they take one connection', async () => {
  const seen = await Promise.all(Array.from({ length: 20 }, () => inTurn(fresh.url, 'test', waiting)));
  expect(new Set(seen)).toEqual(new Set([1]));
});

test('work that fails leaves the turn to the next', async () => {
  const failed = inTurn(fresh.url, 'test', () => Promise.reject(new Error('no')));
  const next = inTurn(fresh.url, 'test', () => Promise.resolve('done'));
  await expect(failed).rejects.toThrow('no');
  expect(await next).toBe('done');
});

test('a connection that breaks is told as a store that is unavailable', async () => {
  const broken = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
  await expect(inTurn(fresh.url, 'test', () => Promise.reject(broken))).rejects.toThrow(StoreUnavailable);
});

import { expect, it } from '@jest/globals';
import { DatabaseError } from 'pg';
import { StoreUnavailable } from '#eventsourcing';
import { unavailable } from './unavailable.js';

const failed = (code: string): DatabaseError =>
  Object.assign(new DatabaseError('words of Postgres', 1, 'error'), { code });

it.each([
  ['a connection that broke', '08006'],
  ['a full disk', '53100'],
  ['memory that is used up', '53200'],
  ['too many connections', '53300'],
  ['a Postgres that starts', '57P03'],
  ['one that only reads', '25006'],
])('%s says nothing of the statement', (_name, code) => {
  expect(unavailable(failed(code))).toBeInstanceOf(StoreUnavailable);
});

it('what the statement is to blame for stays as it is', () => {
  const error = failed('23505');
  expect(unavailable(error)).toBe(error);
});

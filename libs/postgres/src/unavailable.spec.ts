import { Socket } from 'node:net';
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

it("Node's own error of a socket counts, which is of another realm under jest", async () => {
  const refused = new Socket();
  refused.connect(1, '127.0.0.1');
  const error = await new Promise((resolve) => refused.on('error', resolve));
  expect(error).toMatchObject({ code: 'ECONNREFUSED' });
  expect(unavailable(error)).toBeInstanceOf(StoreUnavailable);
});

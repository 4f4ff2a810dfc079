import { Client } from 'pg';
import { unavailable } from '#postgres';
import { Turns } from './turn.js';

const turnLock = 0x52_4c_54_4e;
/** Who waits for others of this process waits here: each connection is one of all that Postgres has. */
const turns = new Turns();

/**
 * Does a piece of work while nobody else, in any process, does one under the same name. Waits on a connection
 * of its own, so that those who wait cannot take from the work what it needs. The turn is lost with it.
 * @throws what the work throws, StoreUnavailable
 */
export function inTurn<T>(url: string, name: string, work: () => Promise<T>): Promise<T> {
  return turns.take(`${url} ${name}`, () => amongProcesses(url, name, work));
}

async function amongProcesses<T>(url: string, name: string, work: () => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url, application_name: `runledger turn ${name}` });
  client.on('error', () => undefined); // told by its statements
  try {
    await client.connect();
    await client.query('SELECT pg_advisory_lock($1, hashtext($2))', [turnLock, name]);
    return await work();
  } catch (error) {
    throw unavailable(error);
  } finally {
    await client.end().catch(() => undefined);
  }
}

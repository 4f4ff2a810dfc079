import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Client } from 'pg';
import { type Database as Fresh, freshDatabase } from '../../../test/support/database.js';
import { until } from '../../../test/support/supervised-service.js';
import { Database, Leader } from './index.js';

let fresh: Fresh;
let leaders: Leader[];
let errors: string[];

beforeEach(async () => {
  fresh = await freshDatabase();
  leaders = [];
  errors = [];
});

afterEach(async () => {
  await Promise.all(leaders.map((leader) => leader.stop()));
  await fresh.drop();
});

const candidate = (): Leader => {
  const leader = new Leader(fresh.url, 'test', (error) => errors.push(String(error)));
  leaders.push(leader);
  return leader;
};

/** Resolves when the work is led, with the signal of its end. */
const led = (leader: Leader): Promise<AbortSignal> =>
  new Promise((resolve) => {
    leader.start(async (signal) => {
      resolve(signal);
      await aborted(signal);
    });
  });

const aborted = (signal: AbortSignal): Promise<unknown> =>
  new Promise((resolve) => {
    signal.addEventListener('abort', resolve, { once: true });
  });

async function asked(sql: string, ...values: string[]): Promise<{ name: string }[]> {
  const client = new Client({ connectionString: fresh.url });
  await client.connect();
  const { rows } = await client.query<{ name: string }>(sql, values);
  await client.end();
  return rows;
}

const cutConnections = (name: string) =>
  asked('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1', name);

/** The names of all that are connected, but the one who asks. */
async function connections(): Promise<string> {
  const rows = await asked(
    `SELECT application_name AS name FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid() ORDER BY 1`,
  );
  return rows.map(({ name }) => name).join(', ');
}

test('one leads, and when it stops the other does', async () => {
  const first = candidate();
  await led(first);
  let over = false;
  const second = led(candidate()).then(() => over);
  over = true;
  await first.stop();
  expect(await second).toBe(true);
});

test('those who wait share one connection, and one of them follows', async () => {
  const first = candidate();
  await led(first);
  const others = Array.from({ length: 8 }, candidate);
  const next = Promise.race(others.map((other) => led(other).then(() => other)));
  await until(async () => (await connections()) === 'runledger lookout, runledger test');
  await first.stop();
  const second = await next;
  await until(async () => (await connections()) === 'runledger lookout, runledger test');
  await Promise.all(others.filter((other) => other !== second).map((other) => other.stop()));
  await until(async () => (await connections()) === 'runledger test');
});

test('who waits takes over though the connection by which it looks was lost', async () => {
  const first = candidate();
  await led(first);
  const second = led(candidate());
  await until(async () => (await connections()) === 'runledger lookout, runledger test');
  await cutConnections('runledger lookout');
  await first.stop();
  await second;
  expect(errors).toEqual([]);
});

test('who loses the connection leads no longer', async () => {
  const signal = await led(candidate());
  const over = aborted(signal);
  await cutConnections('runledger test');
  await over;
  expect(signal.aborted).toBe(true);
});

test('work that fails is told, and begun again', async () => {
  let times = 0;
  await new Promise<void>((resolve) => {
    candidate().start(() => {
      if (++times === 2) resolve();
      return times === 1 ? Promise.reject(new Error('no disk')) : Promise.resolve();
    });
  });
  expect(errors).toEqual(['Error: no disk']);
});

test('work on a read model that is not built yet is begun again until it is, and nobody is told', async () => {
  const database = await Database.open(fresh.url, []);
  let times = 0;
  const rows = await new Promise((resolve) => {
    candidate().start(async () => {
      if (++times === 2) await database.pool.query('CREATE TABLE later AS SELECT 1 AS n');
      resolve(await database.query('SELECT n FROM later'));
    });
  });
  await database.close();
  expect(rows).toEqual([{ n: 1 }]);
  expect(errors).toEqual([]);
});

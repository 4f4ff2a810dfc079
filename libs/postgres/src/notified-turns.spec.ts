import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Pool } from 'pg';
import { Causation, type Decider, type EventStore, type Fact, Streams, uuidv7 } from '#eventsourcing';
import { KurrentEventStore } from '#eventstore-kurrent';
import { PostgresEventStore } from '#eventstore-postgres';
import type { Database } from '../../../test/support/database.js';
import { eventStoreDatabase } from '../../../test/support/event-store-database.js';
import { startKurrentServer } from '../../../test/support/kurrent-server.js';
import { until } from '../../../test/support/supervised-service.js';
import { NotifiedTurns } from './index.js';

type Counted = Fact<'Counted', { n: number }>;
/** Each event holds its number, as a line of a log does: who decides too late has to decide again. */
const counter: Decider<number, Counted> = { initial: 0, evolve: (_, { data }) => data.n };
const count = (last: number): Counted[] => [{ type: 'Counted', data: { n: last + 1 } }];
const principal = { principalId: 'ann', projectId: 'default', userId: 'ann', role: 'user' } as const;
const writers = 8;
const each = 100;

let database: Database;
let pool: Pool;
beforeAll(async () => {
  database = await eventStoreDatabase();
  pool = new Pool({ connectionString: database.url, max: 2 });
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

/** Two processes, each with a store of its own. */
const pairs = {
  Postgres: () => {
    const stores = [new PostgresEventStore(database.url), new PostgresEventStore(database.url)];
    return Promise.resolve({ stores, close: () => Promise.all(stores.map((store) => store.close())) });
  },
  KurrentDB: async () => {
    const server = await startKurrentServer();
    const stores = [1, 2].map(() => new KurrentEventStore(server.connectionString));
    const close = async () => {
      await Promise.all(stores.map((store) => store.close()));
      await server.close();
    };
    return { stores, close };
  },
};

it.each(Object.entries(pairs))(
  'two processes that append to one stream without a pause both get on: %s',
  async (_name, open: () => Promise<{ stores: EventStore[]; close: () => Promise<unknown> }>) => {
    const { stores, close } = await open();
    const turns = stores.map(() => new NotifiedTurns(database.url, pool));
    const stream = `counter-${uuidv7()}`;
    const done = stores.map(() => 0);
    const failed: unknown[] = [];
    // Who has done its part goes on, lest the other be alone then.
    const busy = (): boolean => failed.length === 0 && done.some((count) => count < each);
    const write = async (process: number, streams: Streams): Promise<void> => {
      while (busy()) {
        await streams.execute(counter, stream, new Causation(principal), count);
        done[process] = Number(done[process]) + 1;
      }
    };
    const all = stores.flatMap((store, process) => {
      const streams = new Streams(store, turns[process]);
      return Array.from({ length: writers }, () =>
        write(process, streams).catch((error: unknown) => void failed.push(error)),
      );
    });
    await Promise.all(all);
    const numbers: number[] = [];
    for await (const { data } of (stores[0] as EventStore).readStream(stream))
      numbers.push((data as Counted['data']).n);
    await Promise.all([close(), ...turns.map((one) => one.close())]);
    expect(failed).toEqual([]);
    expect(numbers).toEqual(numbers.map((_, n) => n + 1));
  },
);

/** The payloads of what a process tells, and what it hears of them. */
const recorded = (): { turns: NotifiedTurns; told: string[] } => {
  const told: string[] = [];
  const query = (_text: string, [, payload]: [string, string]) => Promise.resolve(void told.push(payload));
  return { turns: new NotifiedTurns(database.url, { query } as unknown as Pool), told };
};

it('each turn that a command asks for is twice as long, and is told once for all who ask', async () => {
  const { turns, told } = recorded();
  for (const times of [1, 1, 2, 1, 3, 9]) turns.ask('s', times);
  turns.ask('t', 1);
  await turns.close();
  const asked = told.map((turn) => turn.split(' ').slice(1));
  const [s, t] = [asked[0]?.[0], asked.at(-1)?.[0]];
  expect(asked).toEqual([...['30', '60', '120', '1000'].map((ms) => [s, ms]), [t, '30']]);
  expect(s).not.toBe(t);
});

it('a turn is given to others until it is over, and a shorter one does not end it before', async () => {
  const { turns: asking, told } = recorded();
  for (const times of [9, 1]) for (const stream of ['s', 't']) asking.ask(stream, times);
  const [long = '', other = ''] = told;
  const short = long.replace(/\d+$/, '1');
  const turns = new NotifiedTurns(database.url, pool);
  const notify = (payload: string) => pool.query('SELECT pg_notify($1, $2)', ['stream_turns', payload]);
  // Once more where the listener did not hear yet, or all was over before it was looked at.
  await until(async () => {
    await notify(long);
    const given = turns.ofOthers('s');
    await notify(short);
    await notify(other);
    return given !== undefined && turns.ofOthers('t') !== undefined && turns.ofOthers('s') === given;
  });
  expect(turns.ofOthers('u')).toBeUndefined();
  expect(asking.ofOthers('s')).toBeUndefined();
  await turns.ofOthers('t');
  await until(() => turns.ofOthers('s') === undefined);
  await Promise.all([asking.close(), turns.close()]);
});

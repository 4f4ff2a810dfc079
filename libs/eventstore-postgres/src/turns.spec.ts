import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Causation, type Decider, type Fact, Streams, uuidv7 } from '#eventsourcing';
import type { Database } from '../../../test/support/database.js';
import { eventStoreDatabase } from '../../../test/support/event-store-database.js';
import { PostgresEventStore } from './index.js';
import { Turns } from './turns.js';

type Counted = Fact<'Counted', { n: number }>;
/** Each event holds its number, as a line of a log does: who decides too late has to decide again. */
const counter: Decider<number, Counted> = { initial: 0, evolve: (_, { data }) => data.n };
const count = (last: number): Counted[] => [{ type: 'Counted', data: { n: last + 1 } }];
const principal = { principalId: 'ann', projectId: 'default', userId: 'ann', role: 'user' } as const;
const writers = 8;
const each = 100;

let database: Database;
let stores: PostgresEventStore[];

beforeAll(async () => {
  database = await eventStoreDatabase();
  stores = [new PostgresEventStore(database.url), new PostgresEventStore(database.url)];
});
afterAll(async () => {
  await Promise.all(stores.map((store) => store.close()));
  await database.drop();
});

it('two processes that append to one stream without a pause both get on', async () => {
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
    const streams = new Streams(store);
    return Array.from({ length: writers }, () =>
      write(process, streams).catch((error: unknown) => void failed.push(error)),
    );
  });
  await Promise.all(all);
  expect(failed).toEqual([]);
  const numbers: number[] = [];
  for await (const { data } of (stores[0] as PostgresEventStore).readStream(stream))
    numbers.push((data as Counted['data']).n);
  expect(numbers).toEqual(numbers.map((_, n) => n + 1));
});

it('each turn that a command asks for is twice as long, and is told once for all who ask', () => {
  const told: string[] = [];
  const turns = new Turns((turn) => told.push(turn));
  for (const times of [1, 1, 2, 1, 3, 9]) turns.ask('s', times);
  turns.ask('t', 1);
  const [s, t] = [told[0], told.at(-1)].map((turn) => turn?.split(' ')[0]);
  expect(told).toEqual([`${s} 30`, `${s} 60`, `${s} 120`, `${s} 1000`, `${t} 30`]);
  expect(s).not.toBe(t);
});

it('a turn is given for as long as the longest that was asked for, and then no more', async () => {
  const keys: string[] = [];
  const asking = new Turns((turn) => keys.push(String(turn.split(' ')[0])));
  asking.ask('s', 1);
  const turns = new Turns(() => undefined);
  expect(turns.ofOthers('s')).toBeUndefined();
  const [short, long, same] = [1, 40, 2].map((ms) => {
    turns.give(String(keys[0]), ms);
    return turns.ofOthers('s');
  });
  expect(long).not.toBe(short);
  expect(same).toBe(long);
  expect(turns.ofOthers('t')).toBeUndefined();
  await long;
  expect(turns.ofOthers('s')).toBeUndefined();
});

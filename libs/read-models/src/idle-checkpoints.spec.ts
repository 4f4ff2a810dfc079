import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type Database as Fresh, freshDatabase } from '../../../test/support/database.js';
import { until } from '../../../test/support/supervised-service.js';
import { Database, IdleCheckpoints, ReadModels1760000000001 } from './index.js';

let fresh: Fresh;
let database: Database;

beforeEach(async () => {
  fresh = await freshDatabase();
  database = await Database.open(fresh.url, [ReadModels1760000000001]);
  await database.query(
    `INSERT INTO runledger.projections (name, build, version) VALUES ('toys', 'serving', 1)`,
  );
});
afterEach(async () => {
  await database.close();
  await fresh.drop();
});

const stored = async (): Promise<bigint> => {
  const [row] = await database.query<{ position: string }>('SELECT position FROM runledger.projections');
  return BigInt(row?.position ?? -1);
};
const comesTo = (position: bigint) => until(async () => (await stored()) === position);

/** Checkpoints whose statements reach Postgres when they are let go. */
function held() {
  let letGo = (): void => undefined;
  let begin = (): void => undefined;
  let end = (): void => undefined;
  const going = new Promise<void>((resolve) => (letGo = resolve));
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const done = new Promise<void>((resolve) => (end = resolve));
  const prepared: Database['prepared'] = async (...statement) => {
    begin();
    await going;
    return database.prepared(...statement).finally(end) as Promise<never>;
  };
  return { idle: new IdleCheckpoints({ prepared } as Database), begun, letGo, done };
}

test('a checkpoint goes from one place to the next, as far as nothing was for it', async () => {
  const idle = new IdleCheckpoints(database);
  idle.stands('toys', 0n);
  for (const position of [3n, 5n]) {
    idle.pass('toys', position);
    await comesTo(position);
  }
});

test('one that its projector has stored meanwhile is not moved back', async () => {
  const { idle, begun, letGo } = held();
  idle.stands('toys', 0n);
  idle.pass('toys', 5n);
  await begun;
  await database.query('UPDATE runledger.projections SET position = 6');
  idle.stands('toys', 6n);
  idle.pass('toys', 9n);
  letGo();
  await comesTo(9n);
});

test('one that another process has moved beyond stays there', async () => {
  const { idle, begun, letGo, done } = held();
  idle.stands('toys', 0n);
  idle.pass('toys', 5n);
  await begun;
  await database.query('UPDATE runledger.projections SET position = 6');
  letGo();
  await done;
  expect(await stored()).toBe(6n);
});

test('one that the database has lost stays where it is: what is behind it is to be folded again', async () => {
  const { idle, letGo, done } = held();
  idle.stands('toys', 3n);
  idle.pass('toys', 5n);
  letGo();
  await done;
  expect(await stored()).toBe(0n);
});

test('whoever leads next goes on, though the one before it was still moving the checkpoint', async () => {
  const before = held();
  before.idle.stands('toys', 0n);
  before.idle.pass('toys', 5n);
  await before.begun;
  const next = held();
  next.idle.stands('toys', await stored());
  next.idle.pass('toys', 7n);
  before.letGo();
  await before.done;
  next.letGo();
  await comesTo(7n);
});

test('one that was held by somebody else is moved when it is let go', async () => {
  const { idle, begun, letGo, done } = held();
  const holder = await database.pool.connect();
  await holder.query('BEGIN; SELECT 1 FROM runledger.projections FOR UPDATE');
  idle.stands('toys', 0n);
  idle.pass('toys', 5n);
  await begun;
  letGo();
  await done;
  expect(await stored()).toBe(0n);
  await holder.query('COMMIT');
  holder.release();
  await comesTo(5n);
});

test('one whose move failed is moved when the database answers again, though nothing more comes', async () => {
  let failures = 3;
  const prepared: Database['prepared'] = (...statement) =>
    failures-- > 0 ? Promise.reject(new Error('no connection')) : database.prepared(...statement);
  const idle = new IdleCheckpoints({ prepared } as Database);
  idle.stands('toys', 0n);
  idle.pass('toys', 5n);
  await comesTo(5n);
});

test('one whose projector is gone is not tried any more', async () => {
  const tried: unknown[] = [];
  const prepared: Database['prepared'] = (_name, _text, [names]) => {
    tried.push(names);
    return Promise.reject(new Error('no connection'));
  };
  const idle = new IdleCheckpoints({ prepared } as Database);
  for (const name of ['toys', 'dolls']) idle.pass(name, 5n);
  await until(() => tried.length > 1);
  idle.leaves('toys');
  const before = tried.length;
  await until(() => tried.length > before);
  idle.leaves('dolls');
  expect(tried.at(-2)).toEqual(['toys', 'dolls']);
  expect(tried.at(-1)).toEqual(['dolls']);
});

test('one whose last move was not answered for goes on', async () => {
  let answers = false;
  const prepared: Database['prepared'] = async (...statement) => {
    const rows = await database.prepared(...statement);
    if (!answers) throw new Error('the connection is lost');
    return rows as never;
  };
  const idle = new IdleCheckpoints({ prepared } as Database);
  idle.stands('toys', 0n);
  idle.pass('toys', 5n);
  await comesTo(5n);
  answers = true;
  idle.pass('toys', 7n);
  await comesTo(7n);
});

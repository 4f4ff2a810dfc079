import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
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
  const going = new Promise<void>((resolve) => (letGo = resolve));
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const prepared: Database['prepared'] = async (...statement) => {
    begin();
    await going;
    return database.prepared(...statement);
  };
  return { idle: new IdleCheckpoints({ prepared } as Database), begun, letGo };
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

test('what was passed before its projector stored a later one is forgotten', async () => {
  const { idle, begun, letGo } = held();
  await database.query('UPDATE runledger.projections SET position = 6');
  idle.stands('toys', 0n);
  idle.pass('toys', 5n);
  idle.stands('toys', 6n);
  idle.pass('others', 9n);
  await begun;
  letGo();
  await idle.leave('others');
  expect(await stored()).toBe(6n);
});

describe('who leads next goes on from where the checkpoint stands', () => {
  const goesOn = async () => {
    const next = new IdleCheckpoints(database);
    next.stands('toys', await stored());
    next.pass('toys', 7n);
    await comesTo(7n);
  };

  test('though it was being moved when the one before it left', async () => {
    const before = held();
    before.idle.stands('toys', 0n);
    before.idle.pass('toys', 5n);
    await before.begun;
    let over = false;
    const left = before.idle.leave('toys').then(() => (over = true));
    await setImmediate();
    expect(over).toBe(false);
    before.letGo();
    await left;
    await goesOn();
  });

  test('and the one before it moves it no more', async () => {
    const before = held();
    before.idle.stands('toys', 0n);
    before.idle.pass('toys', 5n);
    await before.idle.leave('toys');
    before.letGo();
    before.idle.pass('others', 5n);
    await before.begun;
    await before.idle.leave('others');
    expect(await stored()).toBe(0n);
    await goesOn();
  });
});

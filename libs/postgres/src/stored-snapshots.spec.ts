import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Pool } from 'pg';
import { type Snapshot, uuidv7 } from '#eventsourcing';
import { type Database, freshDatabase } from '../../../test/support/database.js';
import { until } from '../../../test/support/supervised-service.js';
import { snapshotTable, StoredSnapshots } from './index.js';

let database: Database;
let pool: Pool;
beforeAll(async () => {
  database = await freshDatabase();
  pool = new Pool({ connectionString: database.url, max: 2 });
  await pool.query('CREATE SCHEMA runledger');
  await pool.query(snapshotTable);
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

const snapshot = (state: unknown, revision = 600): Snapshot => ({
  version: 1,
  revision,
  eventId: uuidv7(),
  state,
});
/** Waits until that is kept. */
async function ofRevision(snapshots: StoredSnapshots, stream: string, revision: number): Promise<Snapshot> {
  for (;;) {
    const found = await snapshots.load(stream, 1);
    if (found?.revision === revision) return found;
  }
}

test('comes back as it was, whatever JSON it holds', async () => {
  const snapshots = new StoredSnapshots(pool);
  const json = fc.oneof(
    fc.jsonValue(),
    fc.string({ unit: 'binary' }).map((text) => ({ [text]: text })),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(json, { minLength: 1, maxLength: 5 }), async (states) => {
      const taken = states.map((state) => ({ stream: `run-"'{${uuidv7()}`, ...snapshot({ state }) }));
      for (const { stream, ...one } of taken) snapshots.keep(stream, () => one);
      for (const { stream, ...one } of taken) {
        const found = await ofRevision(snapshots, stream, one.revision);
        expect(found).toEqual({ ...one, state: JSON.parse(JSON.stringify(one.state)) as unknown });
      }
    }),
    { numRuns: 30 },
  );
});

test('takes the place of an older one, and is none of another fold', async () => {
  const snapshots = new StoredSnapshots(pool);
  snapshots.keep('s', () => snapshot('old'));
  await ofRevision(snapshots, 's', 600);
  snapshots.keep('s', () => snapshot('lost', 700));
  snapshots.keep('s', () => snapshot('new', 800));
  expect((await ofRevision(snapshots, 's', 800)).state).toBe('new');
  expect(await snapshots.load('s', 2)).toBeUndefined();
  expect(await snapshots.load('another', 1)).toBeUndefined();
});

test('is none while the database cannot be asked, and one that cannot be kept harms nobody', async () => {
  let fails = 0;
  const broken = new StoredSnapshots({
    query: () => {
      fails++;
      throw new Error('gone');
    },
  });
  expect(await broken.load('s', 1)).toBeUndefined();
  broken.keep('s', () => snapshot({}));
  await until(() => fails > 1);
  await broken.close();
});

test('of streams without end no more wait than a thousand, each with its newest', async () => {
  const sent: string[][] = [];
  let answer = (): void => undefined;
  const slow = new StoredSnapshots({
    query: ({ values }: { values: [string] }) => {
      sent.push(values[0].slice(1, -1).split(','));
      return new Promise<void>((resolve) => (answer = resolve));
    },
  } as unknown as Pool);
  slow.keep('first', () => snapshot(''));
  await until(() => sent.length === 1);
  for (let n = 0; n < 1_500; n++) slow.keep(`s${n}`, () => snapshot('x'.repeat(2_048)));
  for (let n = 1; n < 3; n++) {
    answer();
    await until(() => sent.length === n + 1);
  }
  answer();
  await slow.close();
  // A statement brings a mebibyte, and the one that goes beyond it.
  expect(sent.map(({ length }) => length)).toEqual([1, 512, 488]);
});

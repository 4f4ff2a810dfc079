import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import type { Pool } from 'pg';
import { type AppendResult, RevisionConflict, StoreUnavailable, uuidv7 } from '#eventsourcing';
import { longestWait } from '#postgres';
import type { Database } from '../../../test/support/database.js';
import { eventStoreDatabase } from '../../../test/support/event-store-database.js';
import { GroupCommit } from './group-commit.js';
import { PostgresEventStore } from './index.js';
import type { RecentEvents } from './recent-events.js';

let database: Database;
let store: PostgresEventStore;

beforeAll(async () => {
  database = await eventStoreDatabase();
  store = new PostgresEventStore(database.url);
});

afterAll(async () => {
  await store.close();
  await database.drop();
});

const metadata = { $correlationId: 'c', $causationId: 'c', actor: 'a', project: 'p', at: 't' };
/** Larger than what waits for the commit that is on its way. */
const large = 'x'.repeat(600 * 1024);

interface Step {
  /** The next of its stream; the first of it once more; one that the database cannot take; one out of place. */
  readonly kind: 'next' | 'again' | 'unfit' | 'misplaced';
  readonly stream: 'a' | 'b';
  readonly text: string;
  /** Turns of the event loop that pass behind it, in which commits are sent. */
  readonly turns: number;
}

const steps = fc.array(
  fc.record<Step>({
    kind: fc.constantFrom('next', 'next', 'next', 'again', 'unfit', 'misplaced'),
    stream: fc.constantFrom('a', 'b'),
    text: fc.constantFrom('', large),
    turns: fc.constantFrom(0, 1, 3),
  }),
  { minLength: 2, maxLength: 16 },
);

const outcome = async (append: Promise<AppendResult>): Promise<unknown> => {
  try {
    return (await append).revision;
  } catch (error) {
    return error instanceof RevisionConflict ? 'conflict' : 'unfit';
  }
};

test('appends sent ahead of each other’s answers end as they would one after the other', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const run = uuidv7();
      const ids: Record<Step['stream'], string[]> = { a: [], b: [] };
      const outcomes: Promise<unknown>[] = [];
      const expected: unknown[] = [];
      for (const { kind, stream, text, turns } of all) {
        const known = ids[stream];
        const first = kind === 'again' ? known[0] : undefined;
        const append = (id: string, revision: number) =>
          store.append(`${stream}-${run}`, revision === -1 ? 'none' : revision, [
            { id, type: 'Happened', data: { text }, metadata },
          ]);
        if (kind === 'unfit' || kind === 'misplaced') {
          outcomes.push(
            outcome(kind === 'unfit' ? append('no uuid', known.length - 1) : append(uuidv7(), 1_000)),
          );
          expected.push(kind === 'unfit' ? 'unfit' : 'conflict');
        } else if (first !== undefined) {
          outcomes.push(outcome(append(first, -1)));
          expected.push(0);
        } else {
          const id = uuidv7();
          outcomes.push(outcome(append(id, known.push(id) - 2)));
          expected.push(known.length - 1);
        }
        for (let n = 0; n < turns; n++) await turn();
      }
      expect(await Promise.all(outcomes)).toEqual(expected);
    }),
    { numRuns: 150 },
  );
});

test('behind a commit that has no answer nothing is queued without end', async () => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick'] });
  const silent = { query: jest.fn(() => new Promise(() => undefined)) };
  const pool = { connect: () => Promise.resolve(silent) } as unknown as Pool;
  const commit = new GroupCommit(pool, {} as RecentEvents, () => undefined);
  const append = () => commit.append('a', 'any', [{ id: uuidv7(), type: 'Happened', data: {}, metadata }]);
  void append();
  await turn();
  void append();
  jest.advanceTimersByTime(longestWait + 1);
  await expect(append()).rejects.toThrow(StoreUnavailable);
  expect(silent.query).toHaveBeenCalledTimes(1);
  jest.useRealTimers();
});

test('what waits behind a commit whose outcome nobody knows falls with it where it expects its revision', async () => {
  let fail = (_error: Error): void => undefined;
  const broken = {
    query: jest.fn(() => new Promise((_, reject) => (fail = reject))),
    release: () => undefined,
  };
  const pool = { connect: () => Promise.resolve(broken) } as unknown as Pool;
  const recent = { forget: () => undefined } as RecentEvents;
  const commit = new GroupCommit(pool, recent, () => undefined);
  const append = (expected: number) =>
    commit.append('a', expected, [{ id: uuidv7(), type: 'Happened', data: {}, metadata }]);
  const first = append(0);
  await turn();
  const next = append(1);
  await turn();
  fail(new Error('Connection terminated unexpectedly'));
  await expect(first).rejects.toThrow(StoreUnavailable);
  await expect(next).rejects.toThrow(RevisionConflict);
  expect(broken.query).toHaveBeenCalledTimes(1);
});

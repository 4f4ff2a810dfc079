import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fold } from '#eventsourcing';
import { Database, keysetPage } from '#read-models';
import { type Database as Fresh, freshDatabase } from '../../../test/support/database.js';
import { histories } from '../../../test/support/history.js';
import { projected } from '../../../test/support/projected.js';
import { served } from '../../../test/support/served-runs.js';
import { runsKeyset } from './list-runs.js';
import { ListRunsQuery } from './run.bodies.js';
import { runDecider, type RunState } from './run.decider.js';
import { runStatuses } from './run.events.js';
import { RunsProjection } from './run.projection.js';

let fresh: Fresh;
let database: Database;
beforeAll(async () => {
  fresh = await freshDatabase();
  database = await Database.open(fresh.url, []);
});
afterAll(async () => {
  await database.close();
  await fresh.drop();
});

const runsOf = (events: Parameters<typeof projected>[2]) =>
  events.filter(({ stream }) => stream.startsWith('run-'));

it('gives the same rows whatever the batches', async () => {
  await fc.assert(
    fc.asyncProperty(histories, fc.integer({ min: 1, max: 20 }), async (history, size) => {
      const events = runsOf(history);
      const atOnce = await projected(fresh.url, new RunsProjection(), events);
      expect(await projected(fresh.url, new RunsProjection(), events, size)).toEqual(atOnce);
    }),
    { numRuns: 15 },
  );
});

it('keeps each run as its stream tells it', async () => {
  const [history = []] = fc.sample(histories, { numRuns: 1, seed: 7 });
  const events = runsOf(history);
  const { runs = [] } = await projected(fresh.url, new RunsProjection(), events);
  const streams = [...new Set(events.map(({ stream }) => stream))];
  const states = streams.map((stream) =>
    fold(
      runDecider,
      events.filter((event) => event.stream === stream),
    ),
  );
  expect(runs.map(({ doc }) => doc)).toEqual(states);
});

it('joined pages are what a plain filter finds', async () => {
  const principal = { principalId: 'p', projectId: 'default', userId: 'u', role: 'operator' } as const;
  const status = fc.array(fc.constantFrom(...runStatuses), { minLength: 1, maxLength: 3 });
  const task_id = fc.constantFrom(
    '01990000-0000-7000-8000-000000000000',
    '01990000-0000-7000-8000-000000000001',
  );
  const metadata = fc.constantFrom({ team: '1' }, { red: 'a' }, { team: '2', red: 'a' });
  // Most filters are loose, so that most lists have several pages.
  const filters: fc.Arbitrary<Filter> = fc.oneof(
    fc.constant({}),
    fc.record({ status }),
    fc.record({ task_id }),
    fc.record({ metadata }),
    fc.record({ status, task_id, metadata }, { requiredKeys: [] }),
  );
  const orders = fc.constantFrom('asc', 'desc');
  await fc.assert(
    fc.asyncProperty(
      histories,
      filters,
      orders,
      fc.integer({ min: 1, max: 4 }),
      async (history, filter, order, limit) => {
        const runs = await served(database, history);
        const wanted = runs.filter(
          (run) =>
            (filter.status?.includes(run.status) ?? true) &&
            (filter.task_id ?? run.task_id) === run.task_id &&
            Object.entries(filter.metadata ?? {}).every(([key, value]) =>
              [value, Number(value)].some((one) => one === run.metadata[key]),
            ),
        );
        const ids = wanted.map(({ id }) => id).sort();
        const found: string[] = [];
        for (let more = true; more;) {
          const query = Object.assign(new ListRunsQuery(), filter, { order, limit });
          const page = await keysetPage<{ doc: RunState }>(
            database,
            runsKeyset(query, principal, found.at(-1)),
          );
          found.push(...page.rows.map(({ doc }) => doc.id));
          expect(page.rows.length === limit || !page.more).toBe(true);
          more = page.more;
        }
        expect(found).toEqual(order === 'asc' ? ids : ids.reverse());
      },
    ),
    { numRuns: 25 },
  );
});

interface Filter {
  status?: RunState['status'][];
  task_id?: string;
  metadata?: Record<string, string>;
}

import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Database, keysetPage } from '#read-models';
import { type Database as Fresh, freshDatabase } from '../../../test/support/database.js';
import { histories } from '../../../test/support/history.js';
import { served } from '../../../test/support/served-runs.js';
import { runsKeyset } from './list-runs.js';
import { ListRunsQuery } from './run.bodies.js';
import { runKinds, runStatuses, type RunStatus } from './run.events.js';
import type { RunState } from './run.decider.js';
import { matches } from './run-matches.js';

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

it('finds in memory what the list finds in the table', async () => {
  const principal = { principalId: 'p', projectId: 'default', userId: 'u', role: 'worker' } as const;
  const id = fc.constantFrom(
    ...[0, 1, 100, 105].map((n) => `01990000-0000-7000-8000-${String(n).padStart(12, '0')}`),
  );
  const near = fc.integer({ min: 16, max: 50 }).map((n) => new Date(Date.UTC(2026, 0, 1) + n).toISOString());
  const time = fc.oneof(
    near,
    near.map((at) => at.replace('Z', '5+00:00')),
    fc.constantFrom('2026-01-01T01:00:00.030+01:00', '2025-09-05T00:00:00Z'),
  );
  const filters = fc.record(
    {
      status: fc.array(fc.constantFrom<RunStatus>(...runStatuses), { minLength: 1, maxLength: 2 }),
      kind: fc.constantFrom(...runKinds),
      task_id: id,
      session_id: id,
      root_run_id: id,
      created_after: time,
      created_before: time,
      started_after: time,
      started_before: time,
      ended_after: time,
      ended_before: time,
      metadata: fc.dictionary(
        fc.constantFrom('team', 'red', 'x'),
        fc.constantFrom('1', 'a', 'true', '\ufffd'),
      ),
    },
    { requiredKeys: [] },
  );
  await fc.assert(
    fc.asyncProperty(
      histories,
      fc.array(filters, { minLength: 12, maxLength: 12 }),
      async (history, some) => {
        const runs = await served(database, history);
        // Alone, each field finds something; all together hardly ever do.
        const singles = some.flatMap((filter) =>
          Object.entries(filter).map(([key, value]) => ({ [key]: value })),
        );
        for (const filter of [...some, ...singles]) {
          const query = Object.assign(new ListRunsQuery(), filter, { order: 'asc', limit: 100 });
          const { rows } = await keysetPage<{ doc: RunState }>(
            database,
            runsKeyset(query, principal, undefined),
          );
          const found = runs.filter((run) => matches(filter, run)).map((run) => run.id);
          expect([filter, found.sort()]).toEqual([filter, rows.map(({ doc }) => doc.id)]);
        }
      },
    ),
    { numRuns: 8 },
  );
});

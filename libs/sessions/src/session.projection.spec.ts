import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fold, type RecordedEvent } from '#eventsourcing';
import { runDecider, runStatuses } from '#runs';
import { type Database, freshDatabase } from '../../../test/support/database.js';
import { histories } from '../../../test/support/history.js';
import { projected } from '../../../test/support/projected.js';
import { sessionDecider } from './session.decider.js';
import { SessionsProjection } from './session.projection.js';

let database: Database;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(async () => {
  await database.drop();
});

it('gives the same rows whatever the batches', async () => {
  await fc.assert(
    fc.asyncProperty(histories, fc.integer({ min: 1, max: 20 }), async (events, size) => {
      const atOnce = await projected(database.url, new SessionsProjection(), events);
      expect(await projected(database.url, new SessionsProjection(), events, size)).toEqual(atOnce);
    }),
    { numRuns: 15 },
  );
});

it('keeps each session as its stream tells it, and counts and sums its runs', async () => {
  await fc.assert(
    fc.asyncProperty(histories, async (events) => {
      const { sessions = [] } = await projected(database.url, new SessionsProjection(), events);
      const runs = folded(events, 'run-').map((stream) => fold(runDecider, stream));
      for (const stream of folded(events, 'session-')) {
        const session = fold(sessionDecider, stream);
        const row = sessions.find(({ id }) => id === session?.id);
        const own = runs.filter((run) => run?.session_id === session?.id);
        const run_counts = Object.fromEntries(
          runStatuses.map((status) => [status, own.filter((run) => run?.status === status).length]),
        );
        const output_tokens = own.reduce((sum, run) => sum + (run?.usage?.output_tokens ?? 0), 0);
        expect(row).toMatchObject({ doc: session, figures: { run_counts, usage: { output_tokens } } });
        expect(row?.['live']).toBe(session?.deleted_at === null);
      }
    }),
    { numRuns: 10 },
  );
});

const folded = (events: readonly RecordedEvent[], prefix: string): RecordedEvent[][] =>
  [...new Set(events.map(({ stream }) => stream))]
    .filter((stream) => stream.startsWith(prefix))
    .map((stream) => events.filter((event) => event.stream === stream));

import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { JsonObject, RecordedEvent } from '#eventsourcing';
import { type Database, freshDatabase } from '../../../test/support/database.js';
import { histories } from '../../../test/support/history.js';
import { projected } from '../../../test/support/projected.js';
import { TimelineProjection } from './timeline.projection.js';

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
      const atOnce = await projected(database.url, new TimelineProjection(), events);
      expect(await projected(database.url, new TimelineProjection(), events, size)).toEqual(atOnce);
    }),
    { numRuns: 15 },
  );
});

interface Segment {
  readonly session_id: string;
  readonly first_seq: number;
  readonly last_seq: number;
  readonly stream: string;
  readonly first_revision: number;
  readonly latest: number;
}

it('numbers what happens in a session and in its runs, in the order of the store, without a gap', async () => {
  await fc.assert(
    fc.asyncProperty(histories, async (events) => {
      const { segments = [], runs = [] } = await projected(database.url, new TimelineProjection(), events);
      const sessionOf = ({ stream }: RecordedEvent): unknown =>
        stream.startsWith('session-')
          ? stream.slice('session-'.length)
          : runs.find(({ run_id }) => run_id === stream.slice('run-'.length))?.['session_id'];
      const told = events.filter(({ type }) => type !== 'SessionRunClaimed');
      for (const session of new Set(told.map(sessionOf))) {
        const own = (segments as unknown as Segment[])
          .filter(({ session_id }) => session_id === session)
          .sort((a, b) => a.first_seq - b.first_seq);
        const feed = own.flatMap(({ first_seq, last_seq, stream, first_revision }) =>
          Array.from({ length: last_seq - first_seq + 1 }, (_, n) => [
            first_seq + n,
            stream,
            first_revision + n,
          ]),
        );
        expect(feed).toEqual(
          told
            .filter((event) => sessionOf(event) === session)
            .map(({ stream, revision }, n) => [n + 1, stream, revision]),
        );
        expect(own.map(({ latest }) => latest)).toEqual(
          own.map(({ latest }) => latest).sort((a, b) => a - b),
        );
      }
    }),
    { numRuns: 15 },
  );
});

it('leaves out what a session’s stream holds for the service alone', async () => {
  const id = '01990000-0000-7000-8000-000000000001';
  const facts = ['SessionCreated', 'SessionRunClaimed', 'SessionUpdated', 'SessionUpdated'];
  const events = facts.map((type, revision): RecordedEvent => {
    const metadata = { $correlationId: 'c', $causationId: 'c', actor: 'a', project: 'p' };
    const at = `2026-01-01T00:00:0${revision}.000Z`;
    const position = BigInt(revision + 1);
    return {
      ...{ id, stream: `session-${id}`, type, data: {} },
      ...{ revision, position, metadata: { ...metadata, at } },
    };
  });
  const { segments } = await projected(database.url, new TimelineProjection(), events);
  expect(segments).toMatchObject([
    { first_seq: 1, last_seq: 1, first_revision: 0 },
    { first_seq: 2, last_seq: 3, first_revision: 2 },
  ]);
});

it('has a lease that was prolonged, also when no other event of the run comes with it', async () => {
  const id = '01990000-0000-7000-8000-000000000001';
  const run = '01990000-0000-7000-8000-000000000002';
  const metadata = { $correlationId: 'c', $causationId: 'c', actor: 'a', project: 'p' };
  const at = '2026-01-01T00:00:00.000Z';
  const event = (type: string, revision: number, data: JsonObject): RecordedEvent => ({
    ...{ id, stream: `run-${run}`, type, data, revision },
    ...{ position: BigInt(revision + 1), metadata: { ...metadata, at } },
  });
  const events = [
    event('RunCreated', 0, { run_id: run, session_id: id }),
    event('RunLeaseExtended', 1, { lease_id: id, expires_at: at }),
  ];
  const { segments } = await projected(database.url, new TimelineProjection(), events, 1);
  expect(segments).toMatchObject([{ session_id: id, first_seq: 1, last_seq: 2 }]);
});

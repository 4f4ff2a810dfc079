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
        const ends = own.map((run) => run?.ended_at ?? '').sort();
        expect(row?.['figures']).toMatchObject({
          finished_at: ends.includes('') ? null : (ends.at(-1) ?? null),
        });
        expect(row?.['live']).toBe(session?.deleted_at === null);
      }
    }),
    { numRuns: 25 },
  );
});

it('takes a session with a transcript for one that is not empty, whatever the batches', async () => {
  const created = (n: number): RecordedEvent => ({
    type: 'SessionCreated',
    data: {
      session_id: idOf(n),
      project_id: 'default',
      user_id: idOf(9),
      owner_principal_id: idOf(9),
      metadata: {},
    },
    ...envelope(n, `session-${idOf(n)}`),
  });
  const appended = (n: number, owner: string, data: object): RecordedEvent => ({
    type: 'SegmentsAppended',
    data: { first_seq: 1, segments: [], ...data },
    ...envelope(n, `transcript-${owner}`),
  });
  const events = [
    created(1),
    created(2),
    appended(3, idOf(1), { session_id: idOf(1) }),
    appended(4, idOf(5), {}),
    appended(6, idOf(1), { session_id: idOf(1) }),
  ];
  for (const size of [events.length, 1]) {
    const { sessions = [] } = await projected(database.url, new SessionsProjection(), events, size);
    expect(sessions.map(({ id, empty }) => [id, empty])).toEqual([
      [idOf(1), false],
      [idOf(2), true],
    ]);
  }
});

it('keeps who has pinned what, whatever the batches', async () => {
  const said = fc.record({
    of: fc.nat({ max: 2 }),
    by: fc.nat({ max: 2 }),
    type: fc.constantFrom('SessionPinned', 'SessionUnpinned'),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(said, { maxLength: 20 }), fc.integer({ min: 1, max: 7 }), async (all, size) => {
      const events = all.map(({ of, by, type }, n) => ({
        type,
        data: { session_id: idOf(of), user_id: idOf(by) },
        ...envelope(n + 1, `sessionPins-${idOf(of)}`),
      }));
      const last = new Map(all.map(({ of, by, type }) => [`${of} ${by}`, { of, by, type }]));
      const wanted = [...last.values()]
        .filter(({ type }) => type === 'SessionPinned')
        .map(({ of, by }) => ({ session_id: idOf(of), user_id: idOf(by) }));
      const { pins, sessions } = await projected(database.url, new SessionsProjection(), events, size);
      expect(new Set(pins)).toEqual(new Set(wanted));
      expect(sessions).toEqual([]);
    }),
    { numRuns: 15 },
  );
});

const idOf = (n: number): string => `01990000-0000-7000-8000-${String(n).padStart(12, '0')}`;
const envelope = (n: number, stream: string) => ({
  id: idOf(100 + n),
  stream,
  revision: 0,
  position: BigInt(n),
  metadata: {
    $correlationId: 'c',
    $causationId: 'c',
    actor: idOf(9),
    project: 'default',
    at: '2026-01-01T00:00:00.000Z',
  },
});

const folded = (events: readonly RecordedEvent[], prefix: string): RecordedEvent[][] =>
  [...new Set(events.map(({ stream }) => stream))]
    .filter((stream) => stream.startsWith(prefix))
    .map((stream) => events.filter((event) => event.stream === stream));

it('takes a fork for one that is not empty, and shows what its source showed until it has something newer', async () => {
  const forked: RecordedEvent = {
    type: 'SessionCreated',
    data: {
      session_id: idOf(2),
      ...{ project_id: 'default', user_id: idOf(9), owner_principal_id: idOf(9), metadata: {} },
      forked_from: { session_id: idOf(1), sequence_number: 4 },
      inherited: { preview: 'Hello', output_preview: 'Hi', context: { stream: 'run-1', revision: 3 } },
    },
    ...envelope(2, `session-${idOf(2)}`),
  };
  const { sessions = [], words } = await projected(database.url, new SessionsProjection(), [forked]);
  const shown = { preview: 'Hello', output_preview: 'Hi', context: { stream: 'run-1', revision: 3 } };
  expect(sessions).toMatchObject([{ empty: false, figures: shown }]);
  expect(words).toMatchObject([{ words: '\nhello', letters: 'x0axhxexlxlxox' }]);
  const told: RecordedEvent = {
    type: 'RunEventRecorded',
    data: { session_id: idOf(2), type: 'message.output.completed', data: { text: 'Newer' } },
    ...envelope(3, `run-${idOf(3)}`),
  };
  const after = await projected(database.url, new SessionsProjection(), [forked, told], 1);
  expect(after['sessions']).toMatchObject([{ figures: { preview: 'Hello', output_preview: 'Newer' } }]);
});

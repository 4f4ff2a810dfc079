import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { RecordedEvent } from '#eventsourcing';
import type { ForkedFrom } from '#sessions';
import { type Database, freshDatabase } from '../../../test/support/database.js';
import { projected } from '../../../test/support/projected.js';
import { TimelineProjection } from './timeline.projection.js';

let database: Database;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(async () => {
  await database.drop();
});

const idOf = (n: number): string => `01990000-0000-7000-8000-${String(n).padStart(12, '0')}`;
const [source, fork, early, late] = [idOf(1), idOf(2), idOf(3), idOf(4)] as const;

function recorded(told: readonly (readonly [session: string, from?: ForkedFrom])[]): RecordedEvent[] {
  const revisions = new Map<string, number>();
  return told.map(([session, forked_from], n) => {
    const revision = revisions.get(session) ?? 0;
    revisions.set(session, revision + 1);
    return {
      ...{ id: idOf(100 + n), stream: `session-${session}`, revision, position: BigInt(n + 1) },
      type: revision === 0 ? 'SessionCreated' : 'SessionUpdated',
      data: { ...(forked_from && { forked_from }) },
      metadata: {
        ...{ $correlationId: 'c', $causationId: 'c', actor: 'a', project: 'p' },
        at: new Date(Date.UTC(2026, 0, 1) + n).toISOString(),
      },
    };
  });
}

const history = recorded([
  [source],
  [source],
  [fork, { session_id: source, sequence_number: 2 }],
  [source],
  [fork],
  [early, { session_id: fork, sequence_number: 1 }],
  [late, { session_id: fork, sequence_number: 4 }],
  [late],
]);

test.each([1, 3, 8])(
  'a fork goes on behind what it shares, from whomever, in batches of %i',
  async (size) => {
    const { lineage, segments } = await projected(database.url, new TimelineProjection(), history, size);
    expect(lineage).toEqual([
      { session_id: fork, owner_id: source, through_seq: 2 },
      { session_id: early, owner_id: source, through_seq: 1 },
      { session_id: late, owner_id: source, through_seq: 2 },
      { session_id: late, owner_id: fork, through_seq: 4 },
    ]);
    expect(segments?.map((row) => [row['session_id'], row['first_seq'], row['last_seq']])).toEqual([
      [source, 1, 3],
      [fork, 3, 4],
      [early, 2, 2],
      [late, 5, 6],
    ]);
  },
);

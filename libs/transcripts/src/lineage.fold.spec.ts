import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Fact, RecordedEvent } from '#eventsourcing';
import { type Database, freshDatabase } from '../../../test/support/database.js';
import { projected } from '../../../test/support/projected.js';
import type { SegmentsPurged, TranscriptForked } from './transcript.events.js';
import { TranscriptProjection } from './transcript.projection.js';

let database: Database;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(async () => {
  await database.drop();
});

const idOf = (n: number): string => `01990000-0000-7000-8000-${String(n).padStart(12, '0')}`;
const [source, fork, further] = [idOf(1), idOf(2), idOf(3)] as const;
const at = '2026-01-02T03:04:05.678Z';

const recorded = (facts: readonly (readonly [stream: string, fact: Fact])[]): RecordedEvent[] =>
  facts.map(([stream, fact], n) => ({
    ...fact,
    ...{ id: idOf(100 + n), stream, revision: n, position: BigInt(n + 1) },
    metadata: { $correlationId: 'c', $causationId: 'c', actor: idOf(0), project: 'default', at },
  }));
const begun = (shared: TranscriptForked['data']['shared'], summaries: number[] = []): TranscriptForked => ({
  type: 'TranscriptForked',
  data: {
    ...{ from: source, through_seq: shared.at(-1)?.through_seq ?? 0, covers: summaries.length },
    ...{ summaries, ids: [], purged_seq: 0, shared },
  },
});
/** What stays of as many segments, of which the second of all is a summary. */
const purged = (first_seq: number, count: number): SegmentsPurged => ({
  type: 'SegmentsPurged',
  data: {
    ...{ first_seq, archived: false },
    segments: Array.from({ length: count }, (_, n) => ({
      kind: first_seq + n === 2 ? 'summary' : 'message',
      ...(first_seq + n === 2 && { covers: 1 }),
      ...{ bytes: 3, created_at: at },
    })),
  },
});
const ranges = [
  { owner: source, after_seq: 0, through_seq: 2 },
  { owner: fork, after_seq: 2, through_seq: 4 },
];
const history = recorded([
  [`transcript-${fork}`, begun([{ owner: source, after_seq: 0, through_seq: 2 }], [2])],
  [`transcript-${further}`, begun(ranges, [2])],
  [`transcriptPurged-${further}`, purged(1, 1)],
  [`transcriptPurged-${further}`, purged(2, 1)],
  [`transcriptPurged-${fork}`, purged(1, 3)],
]);

test.each([1, 2, 5])('a fork shows of others what it has not let go, in batches of %i', async (size) => {
  const { lineage, segments, summaries, totals } = await projected(
    database.url,
    new TranscriptProjection(),
    history,
    size,
  );
  expect(lineage).toMatchObject([{ transcript_id: further, owner_id: fork, after_seq: 2, through_seq: 4 }]);
  expect(segments?.map((row) => [row['transcript_id'], row['seq'], row['removed']])).toEqual([
    [fork, 1, 'purged'],
    [fork, 2, 'purged'],
    [fork, 3, 'purged'],
    [further, 1, 'purged'],
    [further, 2, 'purged'],
  ]);
  expect(summaries).toMatchObject([fork, further].map((id) => ({ transcript_id: id, seq: 2, covers: 1 })));
  expect(totals).toMatchObject([{ transcript_id: fork, bytes: 0 }, { transcript_id: further }]);
});

test('it comes to the same when the beginning of a fork was removed with all that it shared', async () => {
  const whole = await projected(database.url, new TranscriptProjection(), history);
  const left = await projected(database.url, new TranscriptProjection(), history.slice(1));
  expect(left).toEqual(whole);
});

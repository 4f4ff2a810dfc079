import { describe, expect, test } from '@jest/globals';
import { fold } from '#eventsourcing';
import { given } from '../../eventsourcing/src/given-when-then.js';
import { forkTranscript, ownerOf, rangesOf } from './shared-ranges.decider.js';
import { appendSegments, purgeTranscript } from './transcript-changes.decider.js';
import { transcriptDecider } from './transcript.decider.js';
import type { SharedRange, TranscriptFact, TranscriptForked } from './transcript.events.js';
import { shareTranscript, transcriptForksDecider } from './transcript-forks.decider.js';

const range = (owner: string, after_seq: number, through_seq: number): SharedRange => ({
  ...{ owner, after_seq, through_seq },
});
const forked = (data: Partial<TranscriptForked['data']>): TranscriptForked => ({
  type: 'TranscriptForked',
  data: { from: 'a', through_seq: 0, covers: 0, summaries: [], ids: [], purged_seq: 0, shared: [], ...data },
});
const segments = (...ids: string[]) => ids.map((id) => ({ kind: 'message' as const, json: '"x"', id }));
const seal = (): string => 'sealed';
/** A state that a transcript comes to; times and ids of the envelope are in none. */
const after = (...facts: TranscriptFact[]) =>
  fold(
    transcriptDecider,
    facts.map((fact, revision) => ({
      ...fact,
      ...{ id: 'e', stream: 's', revision, position: BigInt(revision) },
      metadata: { $correlationId: 'c', $causationId: 'c', actor: 'a', project: 'p', at: 't' },
    })),
  );
const none = after();
const source = after(...appendSegments(none, segments('one', 'two', 'three'), seal));
const cause = { operation_id: 'o', scope: 'default' };

describe('beginning the transcript of a fork', () => {
  test('written: whose segments it shares, and what a change must know of them', () => {
    given(transcriptDecider, [])
      .when((fork) => forkTranscript(fork, 'a', source, 2, []))
      .then([
        forked({
          ...{ through_seq: 2, shared: [range('a', 0, 2)] },
          ids: [
            { id: 'one', seq: 1 },
            { id: 'two', seq: 2 },
          ],
        }),
      ]);
  });

  test('written: the newest summary, and those that stand behind what it covers', () => {
    const summaries = [
      { seq: 1, covers: 0 },
      { seq: 2, covers: 1 },
      { seq: 3, covers: 1 },
    ];
    const [fact] = forkTranscript(none, 'a', source, 3, summaries);
    expect(fact?.data).toMatchObject({ covers: 1, summaries: [2, 3] });
  });

  test('written: what was removed from the source by then', () => {
    const purged = after(
      ...appendSegments(none, segments('one', 'two', 'three'), seal),
      ...purgeTranscript(source, { after_seq: 0, through_seq: 2 }, cause, {}),
    );
    expect(forkTranscript(none, 'a', purged, 3, [])[0]?.data.purged_seq).toBe(2);
    expect(forkTranscript(none, 'a', purged, 1, [])[0]?.data.purged_seq).toBe(1);
  });

  test('written: of a fork’s fork, from whom its source has them', () => {
    const fork = after(
      forked({ through_seq: 3, shared: [range('a', 0, 1), range('b', 1, 3)] }),
      ...appendSegments({ ...none, last_seq: 3 }, segments('mine'), seal),
    );
    const sharedBy = (through: number) => forkTranscript(none, 'c', fork, through, [])[0]?.data.shared;
    expect(sharedBy(4)).toEqual([range('a', 0, 1), range('b', 1, 3), range('c', 3, 4)]);
    expect(sharedBy(2)).toEqual([range('a', 0, 1), range('b', 1, 2)]);
  });

  test('ignored: when nothing was said, and when it has begun', () => {
    given(transcriptDecider, [])
      .when((fork) => forkTranscript(fork, 'a', source, 0, []))
      .then([]);
    given(transcriptDecider, [forked({ through_seq: 2, shared: [range('a', 0, 2)] })])
      .when((fork) => forkTranscript(fork, 'a', source, 2, []))
      .then([]);
  });
});

describe('the transcript of a fork', () => {
  const begun = forked({
    ...{ through_seq: 4, shared: [range('a', 0, 2), range('b', 2, 4)] },
    ids: [{ id: 'one', seq: 1 }],
  });

  test('goes on behind what it shares, and skips ids that are shared', () => {
    given(transcriptDecider, [begun])
      .when((fork) => appendSegments(fork, segments('one', 'mine'), seal))
      .then([
        {
          type: 'SegmentsAppended',
          data: { first_seq: 5, segments: [{ kind: 'message', id: 'mine', sealed: 'sealed', bytes: 3 }] },
        },
      ]);
  });

  test('knows who holds a segment', () => {
    const fork = after(begun);
    expect([1, 2, 3, 4, 5].map((seq) => ownerOf('f', fork, seq))).toEqual(['a', 'a', 'b', 'b', 'f']);
  });

  test.each([
    [1, [range('a', 1, 2), range('b', 2, 4)]],
    [3, [range('b', 3, 4)]],
    [4, []],
  ])('lets go what is removed from it, up to %i: what stays of that is its own', (through_seq, shared) => {
    const fork = after(begun);
    const purged = after(begun, ...purgeTranscript(fork, { after_seq: 0, through_seq }, cause, {}));
    expect(purged.shared).toEqual(shared);
    expect(rangesOf('f', purged, 4)).toEqual([range('f', 0, through_seq), ...shared]);
  });

  test('is not purged again of what it was born without', () => {
    given(transcriptDecider, [forked({ through_seq: 4, purged_seq: 3, shared: [range('a', 0, 4)] })])
      .when((fork) => purgeTranscript(fork, { after_seq: 3, through_seq: 3 }, cause, {}))
      .then([]);
  });
});

describe('noting a fork', () => {
  const fork = { fork_id: 'f', sequence_number: 7, through_seq: 2 };

  test('written: once', () => {
    given(transcriptForksDecider, [])
      .when((forks) => shareTranscript(forks, fork))
      .then([{ type: 'TranscriptShared', data: fork }]);
  });

  test('ignored: the same fork again, were it at another point', () => {
    given(transcriptForksDecider, [{ type: 'TranscriptShared', data: fork }])
      .when((forks) => shareTranscript(forks, { ...fork, sequence_number: 9 }))
      .then([]);
  });
});

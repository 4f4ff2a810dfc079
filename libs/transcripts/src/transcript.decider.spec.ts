import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { fold, type RecordedEvent, type SnapshotForm } from '#eventsourcing';
import { given } from '../../eventsourcing/src/given-when-then.js';
import {
  appendSegments,
  appendSnapshot,
  compact,
  type NewSegment,
  placesOf,
  redact,
} from './transcript-changes.decider.js';
import { transcriptDecider, type TranscriptState } from './transcript.decider.js';
import type {
  SegmentRedacted,
  SegmentsAppended,
  SnapshotPart,
  StoredSegment,
  TranscriptCompacted,
  TranscriptFact,
} from './transcript.events.js';

const seal = (seq: number, json: string): string => `${seq}:${json}`;
const segment = (content: string, id?: string): NewSegment => ({
  kind: 'message',
  json: JSON.stringify(content),
  ...(id !== undefined && { id }),
});
const segments = (count: number): NewSegment[] => Array.from({ length: count }, () => segment('x'));
const stored = (seq: number, { json, ...rest }: NewSegment): StoredSegment => ({
  ...rest,
  sealed: seal(seq, json),
  bytes: Buffer.byteLength(json),
});
const appended = (
  first_seq: number,
  added: readonly NewSegment[],
  more: { snapshot?: SnapshotPart; session_id?: string } = {},
): SegmentsAppended => ({
  type: 'SegmentsAppended',
  data: { first_seq, segments: added.map((one, n) => stored(first_seq + n, one)), ...more },
});
const compacted = (seq: number, covers: number): TranscriptCompacted => ({
  type: 'TranscriptCompacted',
  data: { seq, covers, sealed: seal(seq, '"s"'), bytes: 3 },
});
const redacted = (seq: number, reason = 'private'): SegmentRedacted => ({
  type: 'SegmentRedacted',
  data: { seq, reason },
});
const summary = (keepLast: number) => ({ json: '"s"', keepLast });

describe('an append', () => {
  test('to an empty transcript is written from seq 1, each segment sealed for its seq', () => {
    given(transcriptDecider, [])
      .when((state) => appendSegments(state, segments(2), seal))
      .then([appended(1, segments(2))]);
  });

  test('is written right behind the last segment, summaries included', () => {
    given(transcriptDecider, [appended(1, segments(3)), compacted(4, 2)])
      .when((state) => appendSegments(state, segments(1), seal))
      .then([appended(5, segments(1))]);
  });

  test('says whose session it is', () => {
    given(transcriptDecider, [])
      .when((state) => appendSegments(state, segments(1), seal, { session_id: 's' }))
      .then([appended(1, segments(1), { session_id: 's' })]);
  });

  test('goes on where it was when retention has removed the older segments', () => {
    given(transcriptDecider, [appended(4, segments(2))])
      .when((state) => appendSegments(state, segments(1), seal))
      .then([appended(6, segments(1))]);
  });

  test('leaves out a segment whose id the transcript has, or that came twice', () => {
    given(transcriptDecider, [appended(1, [segment('a', 'A')])])
      .when((state) =>
        appendSegments(state, [segment('a', 'A'), segment('b', 'B'), segment('b', 'B'), segment('c')], seal),
      )
      .then([appended(2, [segment('b', 'B'), segment('c')])]);
  });

  test('of nothing but segments that are there is ignored, and their places are known', () => {
    const before = [appended(1, [segment('a', 'A'), segment('x'), segment('b', 'B')])];
    const again = [segment('b', 'B'), segment('a', 'A')];
    given(transcriptDecider, before)
      .when((state) => appendSegments(state, again, seal))
      .then([]);
    const state = fold(transcriptDecider, before as unknown as RecordedEvent[]);
    expect(placesOf(state, again)).toEqual({ first: 1, last: 3 });
  });

  test('that is too large for one event is written as several, with no segment cut', () => {
    const large = Array.from({ length: 30 }, (_, n) => segment(String.fromCharCode(65 + n).repeat(100_000)));
    const facts = appendSegments(transcriptDecider.initial, large, seal);
    expect(facts.map(({ data }) => data.first_seq)).toEqual([1, 9, 17, 25]);
    expect(facts.flatMap(({ data }) => data.segments)).toEqual(large.map((one, n) => stored(n + 1, one)));
    for (const { data } of facts) expect(Buffer.byteLength(JSON.stringify(data))).toBeLessThan(1_000_000);
  });
});

describe('a snapshot of a run', () => {
  const part = (after: number, through: number): SnapshotPart => ({ run_id: 'r', after, through });
  const first = appended(1, segments(2), { snapshot: part(0, 7) });

  test('is written part by part', () => {
    given(transcriptDecider, [first, appended(3, segments(1))])
      .when((state) => appendSnapshot(state, part(7, 9), segments(1), seal))
      .then([appended(4, segments(1), { snapshot: part(7, 9) })]);
  });

  test('is ignored when the part is there, or another is to come before it', () => {
    for (const again of [part(0, 7), part(0, 5), part(9, 10)]) {
      given(transcriptDecider, [first])
        .when((state) => appendSnapshot(state, again, segments(1), seal))
        .then([]);
    }
  });
});

describe('a compaction', () => {
  const partial = (facts: TranscriptFact[], keepLast: number) =>
    given(transcriptDecider, facts).when((state) => compact(state, summary(keepLast), seal));

  test('is written, and covers all but the last segments', () => {
    partial([appended(1, segments(12))], 8).then([compacted(13, 4)]);
  });

  test('counts neither the summary before nor what that covers among the kept', () => {
    partial([appended(1, segments(12)), compacted(13, 4), appended(14, segments(2))], 3).then([
      compacted(16, 11),
    ]);
  });

  test('takes the place of the summary before when nothing else stands there', () => {
    partial([appended(1, segments(12)), compacted(13, 4)], 8).then([compacted(14, 4)]);
  });

  test('covers everything when none is kept', () => {
    partial([appended(1, segments(3))], 0).then([compacted(4, 3)]);
    partial([appended(1, segments(3)), compacted(4, 3)], 0).then([compacted(5, 3)]);
    partial([appended(1, segments(3)), compacted(4, 1)], 0).then([compacted(5, 3)]);
  });

  test('covers none, or what was covered, when no more segments stand there than are kept', () => {
    partial([appended(1, segments(8))], 8).then([compacted(9, 0)]);
    partial([appended(1, segments(12)), compacted(13, 5)], 8).then([compacted(14, 5)]);
  });

  test('is refused where there is nothing', () => {
    partial([], 0).thenRefused('nothing_to_compact');
  });

  test('leaves the summary and as many segments as were to be kept, whatever came before', () => {
    const step = fc.record({ append: fc.nat(5), keep: fc.nat(5) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const facts: TranscriptFact[] = appendSegments(transcriptDecider.initial, segments(1), seal);
        let left = [1];
        for (const { append, keep } of steps) {
          const state = () => fold(transcriptDecider, facts as unknown as RecordedEvent[]);
          const { last_seq } = state();
          facts.push(...appendSegments(state(), segments(append), seal));
          left.push(...Array.from({ length: append }, (_, n) => last_seq + 1 + n));
          const [{ data }] = compact(state(), summary(keep), seal) as [TranscriptCompacted];
          facts.push({ type: 'TranscriptCompacted', data });
          left = keep === 0 ? [] : left.slice(-keep);
          expect(left.every((seq) => seq > data.covers)).toBe(true);
          const among = state().summaries.length + left.length;
          expect(state().last_seq - data.covers).toBe(among);
        }
      }),
    );
  });
});

describe('a redaction', () => {
  const before = [appended(1, segments(2)), compacted(3, 2)];

  test.each([1, 3])('of segment %i is written', (seq) => {
    given(transcriptDecider, before)
      .when((state) => redact(state, seq, 'private'))
      .then([redacted(seq)]);
  });

  test('of a segment that was redacted before is ignored, whatever the reason', () => {
    given(transcriptDecider, [...before, redacted(1)])
      .when((state) => redact(state, 1, 'another'))
      .then([]);
  });

  test.each([0, 4])('of segment %i, which is not there, is refused', (seq) => {
    given(transcriptDecider, before)
      .when((state) => redact(state, seq, 'private'))
      .thenRefused('not_found');
  });
});

test('a state that was kept is the same again, and folds on', () => {
  const fact = fc.oneof(
    fc.array(fc.boolean(), { minLength: 1, maxLength: 40, size: 'max' }),
    fc.constantFrom('redacted', 'compacted', 'snapshot'),
  );
  const form = transcriptDecider.snapshot as SnapshotForm<TranscriptState>;
  fc.assert(
    fc.property(fc.array(fact, { maxLength: 12, size: 'max' }), fc.nat(), (kinds, cut) => {
      let seq = 0;
      const facts = kinds.map((kind, n): TranscriptFact => {
        if (kind === 'redacted') return redacted(Math.max(1, seq - n));
        if (kind === 'compacted') return compacted(++seq, Math.max(0, seq - n));
        const part = { snapshot: { run_id: `run-${n}`, after: 0, through: n } };
        const added = kind === 'snapshot' ? [true] : kind;
        const first = seq + 1;
        seq += added.length;
        return appended(
          first,
          added.map((named, m) => segment('x', named ? `id-${n}-${m}` : undefined)),
          kind === 'snapshot' ? part : {},
        );
      });
      const events = facts.map((one) => ({ ...one, metadata: { actor: 'ann', at: 't' } }));
      const all = events as unknown as RecordedEvent[];
      const half = cut % (all.length + 1);
      const state = fold(transcriptDecider, all.slice(0, half));
      const kept = form.fromJson(JSON.parse(JSON.stringify(form.toJson(state))));
      expect(kept).toEqual(state);
      expect(fold({ ...transcriptDecider, initial: kept }, all.slice(half))).toEqual(
        fold(transcriptDecider, all),
      );
    }),
  );
});

import { cutForEvents, type JsonObject, RuleViolation } from '#eventsourcing';
import type { TranscriptState } from './transcript.decider.js';
import type {
  NewSegmentKind,
  SegmentRedacted,
  SegmentsAppended,
  SnapshotPart,
  StoredSegment,
  TranscriptCompacted,
  TranscriptPurged,
} from './transcript.events.js';

/** A segment on its way in. `id`: a second segment of this name is not stored. */
export interface NewSegment {
  readonly kind: NewSegmentKind;
  readonly role?: string;
  readonly run_id?: string;
  readonly metadata?: JsonObject;
  readonly id?: string;
  /** The content as JSON text. */
  readonly json: string;
}

/** Makes of the JSON text of the segment with this `seq` what may be stored. */
export type Seal = (seq: number, json: string) => string;

/** Adds segments behind the last one, but for those whose `id` the transcript has. */
export function appendSegments(
  state: TranscriptState,
  segments: readonly NewSegment[],
  seal: Seal,
  owner: Pick<SegmentsAppended['data'], 'session_id'> = {},
): SegmentsAppended[] {
  const given = new Set<string>();
  const fresh = segments.filter(({ id }) => {
    if (id === undefined) return true;
    if (given.has(id) || state.seen.sequenceOf(id) !== undefined) return false;
    given.add(id);
    return true;
  });
  return appendedFacts(state, fresh, seal, owner);
}

/** Adds a part of a run's timeline, if it is the one that comes next. */
export const appendSnapshot = (
  state: TranscriptState,
  snapshot: SnapshotPart,
  segments: readonly NewSegment[],
  seal: Seal,
  owner: Pick<SegmentsAppended['data'], 'session_id'> = {},
): SegmentsAppended[] =>
  (state.snapshots.get(snapshot.run_id) ?? 0) === snapshot.after
    ? appendedFacts(state, segments, seal, { ...owner, snapshot })
    : [];

function appendedFacts(
  { last_seq }: TranscriptState,
  segments: readonly NewSegment[],
  seal: Seal,
  more: Pick<SegmentsAppended['data'], 'session_id' | 'snapshot'>,
): SegmentsAppended[] {
  let first_seq = last_seq + 1;
  const stored = segments.map(({ json, ...segment }, n) => ({
    sealed: seal(first_seq + n, json),
    bytes: Buffer.byteLength(json),
    ...segment,
  }));
  return cutForEvents(stored, bytesOf).map((piece) => {
    const data = { first_seq, segments: piece, ...more };
    first_seq += piece.length;
    return { type: 'SegmentsAppended', data };
  });
}

const bytesOf = ({ sealed, ...segment }: StoredSegment): number =>
  Buffer.byteLength(JSON.stringify(segment)) + sealed.length + 20;

export interface Compaction {
  /** The summary as JSON text. */
  readonly json: string;
  /** How many of the segments that stand last are kept beside the summary. */
  readonly keepLast: number;
}

/**
 * Puts a summary in the place of all segments before the last ones, of none if there are no more; an earlier
 * summary is one of them. @throws RuleViolation nothing_to_compact: there is no segment at all
 */
export function compact(
  state: TranscriptState,
  { json, keepLast }: Compaction,
  seal: Seal,
): TranscriptCompacted[] {
  if (state.last_seq === 0) throw new RuleViolation('nothing_to_compact', 'the transcript has no segment');
  const covers = lastBefore(state, keepLast);
  const seq = state.last_seq + 1;
  const sealed = seal(seq, json);
  return [{ type: 'TranscriptCompacted', data: { seq, covers, sealed, bytes: Buffer.byteLength(json) } }];
}

/** The place of the last segment before those that are kept; what is covered already stays so. */
function lastBefore({ last_seq, covers, summaries }: TranscriptState, kept: number): number {
  const behind = new Set(summaries);
  let left = kept;
  for (let seq = last_seq; seq > covers; seq--) {
    if (behind.has(seq)) continue;
    if (left === 0) return seq;
    left--;
  }
  return covers;
}

/** Takes away what a segment says; once is enough. @throws RuleViolation not_found; gone: retention has done so */
export function redact(state: TranscriptState, seq: number, reason: string): SegmentRedacted[] {
  if (seq < 1 || seq > state.last_seq) {
    throw new RuleViolation('not_found', `the transcript has no segment ${seq}`);
  }
  if (seq <= state.purged_seq) {
    const earliest_seq = state.purged_seq + 1;
    throw new RuleViolation('gone', 'retention has removed what the segment said', { earliest_seq });
  }
  return state.redacted.has(seq) ? [] : [{ type: 'SegmentRedacted', data: { seq, reason } }];
}

/** So many ids of segments, and snapshots of runs, are still known behind a purge: the newest. */
export const keptIds = 2_000;

/** Removes the oldest segments that are there, if they are the ones meant. */
export function purgeTranscript(
  state: TranscriptState,
  { after_seq, through_seq }: { readonly after_seq: number; readonly through_seq: number },
  cause: TranscriptPurged['data']['cause'],
  owner: Pick<SegmentsAppended['data'], 'session_id'>,
): TranscriptPurged[] {
  const { last_seq, covers, summaries, purged_seq } = state;
  if (after_seq !== purged_seq || through_seq <= purged_seq || through_seq > last_seq) return [];
  const snapshots = [...state.snapshots].slice(-keptIds).map(([run_id, through]) => ({ run_id, through }));
  const ids = state.seen.newest(keptIds).map(([id, seq]) => ({ id, seq }));
  return [
    {
      type: 'TranscriptPurged',
      data: { through_seq, last_seq, covers, summaries, snapshots, ids, ...owner, cause },
    },
  ];
}

/** Where segments that were added before stand: the lowest and the highest of their `seq`. */
export function placesOf(
  { seen }: TranscriptState,
  segments: readonly NewSegment[],
): { first: number; last: number } {
  const places = segments.flatMap(({ id }) => (id === undefined ? [] : (seen.sequenceOf(id) ?? [])));
  return { first: Math.min(...places), last: Math.max(...places) };
}

import type { Decider, EventMetadata, JsonObject } from '#eventsourcing';
import { RuleViolation, SeenIds } from '#eventsourcing';
import { clipped } from './clipped.decider.js';
import type {
  NewSegmentKind,
  SegmentRedacted,
  SegmentsAppended,
  SharedRange,
  SnapshotPart,
  StoredSegment,
  TranscriptCompacted,
  TranscriptFact,
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

export interface Redaction {
  /** Principal id. */
  readonly by: string;
  /** RFC 3339 UTC with milliseconds. */
  readonly at: string;
  readonly reason: string;
}

/** What a change must know of a transcript: nothing that was said in it. */
export interface TranscriptState {
  /** `seq` of the last segment, 0 when there is none. */
  readonly last_seq: number;
  readonly seen: SeenIds;
  /** What was redacted, by `seq`. */
  readonly redacted: ReadonlyMap<number, Redaction>;
  /** The newest summary stands for all up to here; 0 when there is none. */
  readonly covers: number;
  /** `seq` of the summaries behind that place: they do not stand where they were written. */
  readonly summaries: readonly number[];
  /** Up to where the timelines of runs are in the transcript, as sequence numbers by run. */
  readonly snapshots: ReadonlyMap<string, number>;
  /** `seq` of the last segment that retention has removed, 0 when it has removed none. */
  readonly purged_seq: number;
  /** The segments of others that the transcript of a fork still shows, in order. */
  readonly shared: readonly SharedRange[];
}

/** An event stays below the 1 MB that KurrentDB takes by default, in bytes of its data. */
const eventBytes = 900_000;

export const transcriptDecider: Decider<TranscriptState, TranscriptFact> = {
  initial: {
    last_seq: 0,
    seen: SeenIds.none,
    redacted: new Map(),
    covers: 0,
    summaries: [],
    snapshots: new Map(),
    purged_seq: 0,
    shared: [],
  },
  evolve: (state, fact, { metadata }) => {
    switch (fact.type) {
      case 'SegmentsAppended':
        return appended(state, fact.data);
      case 'TranscriptCompacted': {
        const { seq, covers } = fact.data;
        const summaries = [...state.summaries, seq].filter((summary) => summary > covers);
        return { ...state, last_seq: seq, covers, summaries };
      }
      case 'SegmentRedacted': {
        const redacted = new Map(state.redacted);
        return { ...state, redacted: redacted.set(fact.data.seq, redactionOf(fact, metadata)) };
      }
      case 'TranscriptPurged':
        return afterPurge(state, fact.data);
      case 'TranscriptForked': {
        const { through_seq: last_seq, covers, summaries, purged_seq, shared, ids } = fact.data;
        return { ...state, last_seq, covers, summaries, purged_seq, shared, seen: seenIn(ids) };
      }
    }
  },
  weigh: ({ seen, redacted, summaries, snapshots }) =>
    seen.size * 120 + redacted.size * 500 + summaries.length * 10 + snapshots.size * 150,
};

/** The purge says what was known then: how much of it the events that are left would tell does not matter. */
function afterPurge({ redacted, shared }: TranscriptState, data: TranscriptPurged['data']): TranscriptState {
  const { through_seq, last_seq, covers, summaries, snapshots, ids } = data;
  return {
    ...{ last_seq, covers, summaries, purged_seq: through_seq },
    seen: seenIn(ids),
    shared: clipped(shared, through_seq, Infinity),
    redacted: new Map([...redacted].filter(([seq]) => seq > through_seq)),
    snapshots: new Map(snapshots.map(({ run_id, through }) => [run_id, through])),
  };
}

const seenIn = (ids: TranscriptPurged['data']['ids']): SeenIds =>
  ids.reduce((seen, { id, seq }) => seen.with(id, seq), SeenIds.none);

/** Who took a segment's content away, when and why. */
export const redactionOf = (
  { data }: Pick<SegmentRedacted, 'data'>,
  { actor, at }: Pick<EventMetadata, 'actor' | 'at'>,
): Redaction => ({ by: actor, at, reason: data.reason });

function appended(state: TranscriptState, data: SegmentsAppended['data']): TranscriptState {
  const { first_seq, segments, snapshot } = data;
  let { seen } = state;
  segments.forEach(({ id }, n) => {
    if (id !== undefined) seen = seen.with(id, first_seq + n);
  });
  const snapshots = snapshot
    ? new Map(state.snapshots).set(snapshot.run_id, snapshot.through)
    : state.snapshots;
  return { ...state, last_seq: first_seq + segments.length - 1, seen, snapshots };
}

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

const appendedFacts = (
  { last_seq }: TranscriptState,
  segments: readonly NewSegment[],
  seal: Seal,
  more: Pick<SegmentsAppended['data'], 'session_id' | 'snapshot'>,
): SegmentsAppended[] =>
  pieces(last_seq + 1, segments, seal).map((data) => ({
    type: 'SegmentsAppended',
    data: { ...data, ...more },
  }));

/** Cuts segments into runs that each fit into one event; a segment is never cut. */
function pieces(
  from: number,
  segments: readonly NewSegment[],
  seal: Seal,
): { first_seq: number; segments: readonly StoredSegment[] }[] {
  const result: { first_seq: number; segments: StoredSegment[] }[] = [];
  let size = Infinity;
  segments.forEach(({ json, ...segment }, n) => {
    const sealed = seal(from + n, json);
    const stored = { ...segment, sealed, bytes: Buffer.byteLength(json) };
    const bytes = Buffer.byteLength(JSON.stringify({ ...segment, bytes: stored.bytes })) + sealed.length + 20;
    if (size + bytes > eventBytes) {
      result.push({ first_seq: from + n, segments: [] });
      size = 0;
    }
    result.at(-1)?.segments.push(stored);
    size += bytes;
  });
  return result;
}

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

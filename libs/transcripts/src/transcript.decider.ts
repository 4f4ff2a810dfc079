import type { Decider, EventMetadata } from '#eventsourcing';
import { SeenIds } from '#eventsourcing';
import { clipped } from './clipped.decider.js';
import type {
  SegmentRedacted,
  SegmentsAppended,
  SharedRange,
  TranscriptFact,
  TranscriptPurged,
} from './transcript.events.js';

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

/** The state as JSON holds it. */
interface KeptTranscript extends Omit<TranscriptState, 'seen' | 'redacted' | 'snapshots'> {
  readonly seen: [id: string, seq: number][];
  readonly redacted: [seq: number, redaction: Redaction][];
  readonly snapshots: [run: string, through: number][];
}

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
  // Each event brings what was said, which is much to read for a number.
  snapshot: {
    version: 1,
    every: 50,
    toJson: ({ seen, redacted, snapshots, ...state }) => ({
      ...state,
      seen: seen.newest(seen.size),
      redacted: [...redacted],
      snapshots: [...snapshots],
    }),
    fromJson: (json) => {
      const { seen, redacted, snapshots, ...state } = json as KeptTranscript;
      return {
        ...state,
        seen: SeenIds.of(seen),
        redacted: new Map(redacted),
        snapshots: new Map(snapshots),
      };
    },
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

import type { Fact, JsonObject } from '#eventsourcing';

/** What a segment can be when it is appended; `redacted` is what it becomes. */
export const newSegmentKinds = ['message', 'summary', 'event', 'snapshot'] as const;
export const segmentKinds = [...newSegmentKinds, 'redacted'] as const;
export type NewSegmentKind = (typeof newSegmentKinds)[number];
export type SegmentKind = (typeof segmentKinds)[number];

/** What is said, as it is stored: readable only with the key of its segment. */
export interface Sealed {
  /** base64; see sealing.ts. */
  readonly sealed: string;
  /** Size of the content as JSON. */
  readonly bytes: number;
}

/** One segment as it is stored; its `seq` follows from its place. */
export interface StoredSegment extends Sealed {
  readonly kind: NewSegmentKind;
  readonly role?: string;
  readonly run_id?: string;
  readonly metadata?: JsonObject;
  /** The caller's own name for the segment, unique in the transcript. */
  readonly id?: string;
}

/** Which part of a run's timeline a snapshot holds: what stands behind `after`, up to `through`. */
export interface SnapshotPart {
  readonly run_id: string;
  readonly after: number;
  readonly through: number;
}

/** Segments were added. A large request leaves several. */
export type SegmentsAppended = Fact<
  'SegmentsAppended',
  {
    /** `seq` of the first; the others follow it without a gap. */
    readonly first_seq: number;
    readonly segments: readonly StoredSegment[];
    readonly snapshot?: SnapshotPart;
    /** The session whose transcript it is, so that whoever looks at sessions needs no other event. */
    readonly session_id?: string;
  }
>;

/** A summary, itself a segment, stands for all segments up to `covers`. */
export type TranscriptCompacted = Fact<
  'TranscriptCompacted',
  Sealed & { readonly seq: number; readonly covers: number }
>;

/** What a segment said must not be read any more; that it was there stays. */
export type SegmentRedacted = Fact<'SegmentRedacted', { readonly seq: number; readonly reason: string }>;

/** Why segments were removed: a sweep of retention, by the policy of a scope. */
export interface PurgeCause {
  readonly operation_id: string;
  readonly scope: string;
  /** Name of the manifest in the archive, when they were archived before. */
  readonly archive?: string;
}

/**
 * All segments up to `through_seq` are gone. It says what a change must know of them, and of the summaries and
 * snapshots so far; what is left of the segments themselves stands in a stream of its own.
 */
export type TranscriptPurged = Fact<
  'TranscriptPurged',
  {
    readonly through_seq: number;
    readonly last_seq: number;
    readonly covers: number;
    readonly summaries: readonly number[];
    /** The newest of them. */
    readonly snapshots: readonly { readonly run_id: string; readonly through: number }[];
    readonly ids: readonly { readonly id: string; readonly seq: number }[];
    readonly session_id?: string;
    readonly cause: PurgeCause;
  }
>;

/** Segments that another transcript holds, with the `seq` that they have there: those behind one, up to another. */
export interface SharedRange {
  /** Session whose transcript it is. */
  readonly owner: string;
  readonly after_seq: number;
  readonly through_seq: number;
}

/**
 * The transcript of a fork begins behind the segments that it shares. It says whose they are, in order, and what
 * a change must know of them.
 */
export type TranscriptForked = Fact<
  'TranscriptForked',
  Pick<TranscriptPurged['data'], 'covers' | 'summaries' | 'ids'> & {
    /** Session that was forked. */
    readonly from: string;
    /** `seq` of the last segment that is shared. */
    readonly through_seq: number;
    /** `seq` of the last of them that retention had removed by then, 0 when it had removed none. */
    readonly purged_seq: number;
    readonly shared: readonly SharedRange[];
  }
>;

/** What stays of a segment. */
export interface PurgedSegment {
  readonly kind: SegmentKind;
  readonly role?: string;
  readonly run_id?: string;
  readonly bytes: number;
  /** Of a summary. */
  readonly covers?: number;
  readonly redaction?: { readonly by: string; readonly at: string; readonly reason: string };
  readonly created_at: string;
}

/** What stays of segments that are removed. A large removal leaves several. */
export type SegmentsPurged = Fact<
  'SegmentsPurged',
  {
    readonly first_seq: number;
    readonly segments: readonly PurgedSegment[];
    readonly archived: boolean;
  }
>;

export type TranscriptFact =
  SegmentsAppended | TranscriptCompacted | SegmentRedacted | TranscriptPurged | TranscriptForked;

/** The stream of what stays of the segments that a transcript had. */
export const purgedSegmentsStream = (id: string): string => `transcriptPurged-${id}`;

/** The stream of the transcript of a session or run. */
export const transcriptStream = (id: string): string => `transcript-${id}`;

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

export type TranscriptFact = SegmentsAppended | TranscriptCompacted | SegmentRedacted;

/** The stream of the transcript of a session or run. */
export const transcriptStream = (id: string): string => `transcript-${id}`;

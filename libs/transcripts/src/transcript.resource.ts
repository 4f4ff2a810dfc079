import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import type { Json, JsonObject } from '#eventsourcing';
import { type SegmentKind, segmentKinds } from './transcript.events.js';

/** What keeps a segment, and until when. */
export class SegmentRetention {
  policy: string | null;
  expires_at: string | null;
  legal_hold: boolean;
  @ApiProperty({ enum: ['live', 'archived', 'purged'] })
  state: 'live' | 'archived' | 'purged';
}

/** Who has taken a segment's content away, when and why. */
@ApiSchema({ name: 'Redaction' })
export class RedactionResource {
  /** Principal id. */
  by: string;
  at: string;
  reason: string;
}

/** A segment of a transcript as the API shows it. */
@ApiSchema({ name: 'TranscriptSegment' })
export class SegmentResource {
  /** Place of the segment in the order of writing, from 1, without a gap. */
  seq: number;
  @ApiProperty({ enum: segmentKinds })
  kind: SegmentKind;
  role?: string;
  /** Any JSON; null once it has been redacted. */
  @ApiProperty({ nullable: true })
  content: Json;
  run_id?: string;
  metadata: JsonObject;
  created_at: string;
  /** Of a summary: `seq` of the last segment it stands for. */
  covers?: number;
  redaction?: RedactionResource;
  retention: SegmentRetention;
}

/** Where the segments of an append were put. */
@ApiSchema({ name: 'AppendedTranscript' })
export class AppendedTranscriptResource {
  first_seq: number;
  last_seq: number;
  /** How many were added; those whose `id` the transcript had are not. */
  count: number;
}

@ApiSchema({ name: 'CompactedTranscript' })
export class CompactedTranscriptResource {
  /** `seq` of the summary. */
  seq: number;
  kind: 'summary';
  /** `seq` of the last segment that the summary stands for. */
  covers: number;
}

@ApiSchema({ name: 'RedactedSegment' })
export class RedactedSegmentResource {
  seq: number;
  kind: 'redacted';
  redaction: RedactionResource;
}

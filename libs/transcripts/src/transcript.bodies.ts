import { IsIn, IsOptional } from 'class-validator';
import type { Json, JsonObject } from '#eventsourcing';
import {
  IsCommaList,
  IsEnumWord,
  IsForm,
  IsJson,
  IsListOf,
  IsMetadata,
  IsPageCursor,
  IsPageLimit,
  IsPageOrder,
  IsText,
  IsUuid,
  IsWhole,
  type Order,
} from '#http';
import { type NewSegmentKind, newSegmentKinds, type SegmentKind, segmentKinds } from './transcript.events.js';

const role = /^[A-Za-z0-9_.-]{1,64}$/;

export class NewSegmentBody {
  @IsEnumWord(newSegmentKinds)
  kind: NewSegmentKind = 'message';

  @IsOptional()
  @IsForm(role, 'be 1 to 64 letters, digits, "_", "." or "-"')
  role?: string | null;

  /** Any JSON, at most 1 MiB of it. */
  @IsJson()
  content: Json;

  @IsOptional()
  @IsUuid()
  run_id?: string | null;

  @IsOptional()
  @IsMetadata()
  metadata?: JsonObject | null;

  /** Names the segment within its transcript: a second one of this name is skipped. */
  @IsOptional()
  @IsUuid()
  id?: string | null;
}

export class AppendTranscriptBody {
  @IsListOf(() => NewSegmentBody)
  segments: NewSegmentBody[];
}

export const compactModes = ['partial', 'full'] as const;

export class CompactTranscriptBody {
  /** Any JSON, at most 1 MiB of it. */
  @IsJson()
  summary: Json;

  /** How many of the last segments stay beside the summary; none do when the mode is full. */
  @IsWhole(0, 10_000)
  keep_last: number = 8;

  @IsEnumWord(compactModes)
  mode: (typeof compactModes)[number] = 'partial';
}

export class RedactSegmentBody {
  @IsText(1_000, { least: 1 })
  reason: string;
}

export class ListTranscriptQuery {
  /** Only segments whose `seq` is greater. */
  @IsOptional()
  @IsWhole(0)
  after_seq?: number;

  /** Only segments whose `seq` is less. */
  @IsOptional()
  @IsWhole(0)
  before_seq?: number;

  @IsOptional()
  @IsCommaList(segmentKinds)
  kind?: SegmentKind[];

  /** Whether a summary stands in the place of what it covers, or all segments are shown as they were written. */
  @IsIn(['compact', 'full'], { message: 'view must be compact or full' })
  view: 'compact' | 'full' = 'compact';

  /** Oldest first by default. */
  @IsPageOrder()
  order?: Order;

  /** A page ends early when its segments are very long; `next_cursor` then goes on. */
  @IsPageLimit()
  limit: number = 20;

  @IsPageCursor()
  cursor?: string;
}

import { IsIn, IsOptional } from 'class-validator';
import { IsCommaList, IsEnumWord, IsRfc3339, IsText, IsWhole, type Order } from '#http';
import type { LogStream } from './log.events.js';
import { logStreams } from './log.events.js';

export class AppendLogQuery {
  /** The stream of all lines of a `text/plain` body. */
  @IsOptional()
  @IsEnumWord(logStreams)
  stream?: LogStream;
}

const mostLines = 10_000;

export class ListLogsQuery {
  /** Only lines behind this one. */
  @IsOptional()
  @IsWhole(0)
  after_seq?: number;

  /** Only lines before this one. */
  @IsOptional()
  @IsWhole(0)
  before_seq?: number;

  /** Time range: only lines of this time or later. */
  @IsOptional()
  @IsRfc3339()
  from?: string;

  /** Time range: only lines of before this time. */
  @IsOptional()
  @IsRfc3339()
  to?: string;

  @IsOptional()
  @IsCommaList(logStreams)
  stream?: LogStream[];

  @IsOptional()
  @IsCommaList()
  level?: string[];

  /** A part of the message; upper and lower case differ. */
  @IsOptional()
  @IsText(1_000, { least: 1 })
  q?: string;

  /** Only the last so many of the lines that match, still oldest first; never more than `limit` when both are given. */
  @IsOptional()
  @IsWhole(1, mostLines)
  tail?: number;

  @IsOptional()
  @IsIn(['asc', 'desc'], { message: 'order must be asc or desc' })
  order?: Order;

  /** 1,000 by default. A page ends early when its lines are very long; `next_cursor` then goes on. */
  @IsOptional()
  @IsWhole(1, mostLines)
  limit?: number;

  @IsOptional()
  @IsText(2_000)
  cursor?: string;
}

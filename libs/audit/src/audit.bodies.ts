import { IsIn, IsOptional } from 'class-validator';
import { IsFlag, IsRfc3339, IsText, IsUuid, IsWhole, PageQuery } from '#http';

export class AuditEventsQuery {
  /** Only this stream, such as `run-<id>`. */
  @IsOptional()
  @IsText(500, { least: 1 })
  stream?: string;

  /** Only streams of this category: what stands before the first hyphen, such as `run`. */
  @IsOptional()
  @IsText(100, { least: 1 })
  category?: string;

  /** Only what this principal did. */
  @IsOptional()
  @IsUuid()
  actor?: string;

  /** Only events that were made at this time or later. */
  @IsOptional()
  @IsRfc3339()
  from?: string;

  /** Only events that were made before this time. */
  @IsOptional()
  @IsRfc3339()
  to?: string;

  /** Only events behind this position. */
  @IsOptional()
  @IsWhole(0)
  after?: number;

  /** Only events before this position. */
  @IsOptional()
  @IsWhole(0)
  before?: number;

  /** At most so many events; by default all. */
  @IsOptional()
  @IsWhole(1)
  limit?: number;
}

export class ExportQuery {
  /** Begins with the last checkpoint that is not behind this position; by default with the first event. */
  @IsOptional()
  @IsWhole(0)
  from_position?: number;

  /** The events of all projects, which an import needs; for admins of the project `default`. */
  @IsOptional()
  @IsFlag()
  instance?: boolean;
}

export const historyKinds = ['changes', 'accesses'] as const;

export class HistoryQuery extends PageQuery {
  /** What was changed, or what was read and refused. */
  @IsOptional()
  @IsIn(historyKinds, { message: 'kind must be changes or accesses' })
  kind?: (typeof historyKinds)[number];
}

export class AccessesQuery extends PageQuery {
  /** Only what this principal asked for. */
  @IsOptional()
  @IsUuid()
  actor?: string;

  /** Only requests for this run, session or other resource. */
  @IsOptional()
  @IsText(200, { least: 1 })
  resource_id?: string;

  /** Only requests that were refused, or that were not. */
  @IsOptional()
  @IsFlag()
  refused?: boolean;
}

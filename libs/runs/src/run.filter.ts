import { IsOptional } from 'class-validator';
import { IsCommaList, IsEnumWord, IsGathered, IsRfc3339, IsText, IsUuid } from '#http';
import type { RunKind, RunStatus } from './run.events.js';
import { runKinds, runStatuses } from './run.events.js';
import { searchableBytes } from './run.projection.js';

/** What a run is chosen by, without the session that a path may name. */
export class SessionRunFilter {
  @IsOptional()
  @IsUuid()
  task_id?: string;

  @IsOptional()
  @IsUuid()
  job_id?: string;

  @IsOptional()
  @IsUuid()
  parent_run_id?: string;

  @IsOptional()
  @IsUuid()
  root_run_id?: string;

  @IsOptional()
  @IsUuid()
  user_id?: string;

  @IsOptional()
  @IsCommaList(runStatuses)
  status?: RunStatus[];

  @IsOptional()
  @IsText(200)
  source?: string;

  @IsOptional()
  @IsEnumWord(runKinds)
  kind?: RunKind;

  @IsOptional()
  @IsRfc3339()
  created_after?: string;

  @IsOptional()
  @IsRfc3339()
  created_before?: string;

  @IsOptional()
  @IsRfc3339()
  started_after?: string;

  @IsOptional()
  @IsRfc3339()
  started_before?: string;

  @IsOptional()
  @IsRfc3339()
  ended_after?: string;

  @IsOptional()
  @IsRfc3339()
  ended_before?: string;

  /** `metadata.<key>=<value>`; each at most 1,000 bytes */
  @IsOptional()
  @IsGathered(searchableBytes)
  metadata?: Record<string, string>;
}

/** What a run is chosen by, in a list and in a claim alike. */
export class RunFilter extends SessionRunFilter {
  @IsOptional()
  @IsUuid()
  session_id?: string;
}

import { IsNumber, IsOptional, Max, Min } from 'class-validator';
import type { Json, JsonObject } from '#eventsourcing';
import {
  IsEnumWord,
  IsFlag,
  IsJson,
  IsMetadata,
  IsPageCursor,
  IsPageLimit,
  IsPageOrder,
  IsShape,
  IsText,
  IsUuid,
  IsWhole,
  MayBeAbsent,
  type Order,
  type PageQuery,
} from '#http';
import type { RunKind, RunStatus } from './run.events.js';
import { runKinds, runStatuses } from './run.events.js';
import { SessionRunFilter } from './run.filter.js';

export const onActiveRun = ['reject', 'allow', 'enqueue', 'steer'] as const;

const bornAs = ['pending', 'running'] as const;

export class RunLeaseBody {
  @IsText(200, { least: 1 })
  worker_id: string;

  @IsWhole(1, 3_600)
  lease_seconds: number = 30;
}

export class RunErrorBody {
  @IsText(200, { least: 1 })
  code: string;

  @IsText(64 * 1024)
  message: string;

  @IsOptional()
  @IsJson()
  details?: Json;
}

export class RunUsageBody {
  @IsWhole(0)
  input_tokens: number = 0;

  @IsWhole(0)
  output_tokens: number = 0;

  @IsWhole(0)
  cache_read_tokens: number = 0;

  @IsWhole(0)
  cache_creation_tokens: number = 0;

  /** Bounded, so that a sum over runs stays a number that JSON has. */
  @IsNumber({}, { message: '$property must be a number' })
  @Min(0, { message: '$property must not be negative' })
  @Max(1e9, { message: '$property must be at most $constraint1' })
  cost_usd: number = 0;
}

/** A run of a session, where the path names the session. */
export class CreateSessionRunBody {
  @IsOptional()
  @IsUuid()
  task_id?: string | null;

  @IsOptional()
  @IsUuid()
  job_id?: string | null;

  @IsOptional()
  @IsUuid()
  parent_run_id?: string | null;

  @IsOptional()
  @IsUuid()
  user_id?: string | null;

  @IsOptional()
  @IsEnumWord(runKinds)
  kind?: RunKind | null;

  @IsOptional()
  @IsText(200, { least: 1 })
  source?: string | null;

  @IsOptional()
  @IsJson()
  input?: Json;

  @IsOptional()
  @IsMetadata()
  metadata?: JsonObject | null;

  @IsWhole(1, 100)
  max_attempts: number = 3;

  @IsEnumWord(onActiveRun)
  on_active_run: (typeof onActiveRun)[number] = 'reject';

  /** `running`: the caller carries the run out; no worker can claim it. */
  @IsEnumWord(bornAs)
  status: (typeof bornAs)[number] = 'pending';

  /** Of a run that is created running: taken away when its heartbeats stay away, as from any worker. */
  @IsOptional()
  @IsShape(() => RunLeaseBody)
  lease?: RunLeaseBody | null;
}

export class CreateRunBody extends CreateSessionRunBody {
  @IsOptional()
  @IsUuid()
  session_id?: string | null;
}

export class UpdateRunBody {
  @MayBeAbsent()
  @IsEnumWord(runStatuses)
  status?: RunStatus;

  @MayBeAbsent()
  @IsShape(() => RunErrorBody)
  error?: RunErrorBody;

  /** Null is an output too. */
  @IsOptional()
  @IsJson()
  output?: Json;

  @MayBeAbsent()
  @IsText(1_000)
  done_reason?: string;

  @MayBeAbsent()
  @IsShape(() => RunUsageBody)
  usage?: RunUsageBody;

  @MayBeAbsent()
  @IsMetadata()
  metadata?: JsonObject;
}

export class CancelRunBody {
  @IsOptional()
  @IsText(1_000)
  reason?: string | null;
}

/** A list of runs, without the session that the path may name. */
export class ListSessionRunsQuery extends SessionRunFilter implements PageQuery {
  @IsPageLimit()
  limit: number = 20;

  @IsPageCursor()
  cursor?: string;

  @IsPageOrder()
  order?: Order;
}

export class ListRunsQuery extends ListSessionRunsQuery {
  @IsOptional()
  @IsUuid()
  session_id?: string;
}

export class CreateRunQuery {
  /** Answers when the run has ended: 201 with the run; 202 with it when that takes more than 60 s. */
  @IsOptional()
  @IsFlag()
  wait?: boolean;
}

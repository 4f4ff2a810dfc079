import { IsOptional } from 'class-validator';
import type { Json, JsonObject } from '#eventsourcing';
import {
  IsEnumWord,
  IsFlag,
  IsJson,
  IsMetadata,
  IsRfc3339,
  IsShape,
  IsText,
  IsUuid,
  IsWhole,
  MayBeAbsent,
  PageQuery,
} from '#http';
import { IsCron, IsTimeZone } from './fields.js';
import { modesOnActiveRun, type ScheduledRun, scheduleRunKinds } from './schedule.events.js';

type Kind = NonNullable<ScheduledRun['kind']>;
type Mode = (typeof modesOnActiveRun)[number];

/** What each firing asks for. */
export class ScheduledRunBody {
  @IsOptional()
  @IsEnumWord(scheduleRunKinds)
  kind?: Kind | null;

  @IsOptional()
  @IsText(200, { least: 1 })
  source?: string | null;

  /** At most 128 KiB as JSON. */
  @IsOptional()
  @IsJson()
  input?: Json;

  /** A firing adds `schedule` to it, which must not be in it already. */
  @IsOptional()
  @IsMetadata()
  metadata?: JsonObject | null;

  @IsOptional()
  @IsUuid()
  task_id?: string | null;

  @IsOptional()
  @IsUuid()
  job_id?: string | null;

  @IsOptional()
  @IsWhole(1, 100)
  max_attempts?: number | null;
}

class ScheduleTimesBody {
  @IsOptional()
  @IsText(1_000)
  name?: string | null;

  /** Either this or `cron`. */
  @IsOptional()
  @IsRfc3339()
  at?: string | null;

  /** Five fields from the minute on; six begin with the second, and seven end with the year. */
  @IsOptional()
  @IsCron()
  cron?: string | null;
}

export class CreateScheduleBody extends ScheduleTimesBody {
  /** By whose clock the pattern is read: an IANA name, UTC by default. */
  @IsOptional()
  @IsTimeZone()
  time_zone?: string | null;

  @IsShape(() => ScheduledRunBody)
  run: ScheduledRunBody;

  @IsEnumWord(modesOnActiveRun)
  on_active_run: Mode = 'enqueue';

  @IsFlag()
  enabled: boolean = true;
}

/** What is absent stays; a null name is taken away. `at` takes the place of `cron`, and the other way round. */
export class UpdateScheduleBody extends ScheduleTimesBody {
  /** By whose clock the pattern is read: an IANA name. */
  @MayBeAbsent()
  @IsTimeZone()
  time_zone?: string;

  /** Takes the place of all that was there. */
  @MayBeAbsent()
  @IsShape(() => ScheduledRunBody)
  run?: ScheduledRunBody;

  @MayBeAbsent()
  @IsEnumWord(modesOnActiveRun)
  on_active_run?: Mode;

  @MayBeAbsent()
  @IsFlag()
  enabled?: boolean;
}

export class ListSchedulesQuery extends PageQuery {
  @IsOptional()
  @IsFlag()
  enabled?: boolean;
}

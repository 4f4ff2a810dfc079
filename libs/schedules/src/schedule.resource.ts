import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import { ScheduledRunBody } from './schedule.bodies.js';
import type { ScheduleState } from './schedule.decider.js';
import { modesOnActiveRun, type ScheduledRun } from './schedule.events.js';

/** A schedule as the API shows it. */
@ApiSchema({ name: 'Schedule' })
export class ScheduleResource {
  id: string;
  project_id: string;
  session_id: string;
  user_id: string;
  name: string | null;
  at: string | null;
  cron: string | null;
  time_zone: string;
  /** What each firing asks for. */
  @ApiProperty({ type: ScheduledRunBody })
  run: ScheduledRun;
  @ApiProperty({ enum: modesOnActiveRun })
  on_active_run: (typeof modesOnActiveRun)[number];
  enabled: boolean;
  /** Null while it is disabled, and when no time follows. */
  next_fire_at: string | null;
  last_fired_at: string | null;
  last_run_id: string | null;
  /** Code of the rule for which the last time that came has made no run. */
  last_error: string | null;
  /** How many runs it has made. */
  fired_count: number;
  /** How many times it has missed, and not made up for. */
  skipped_count: number;
  created_at: string;
  updated_at: string;
  revision: number;
}

/** A schedule as the API shows it. */
export function scheduleResource(schedule: ScheduleState): ScheduleResource {
  const { creator: _creator, owed: _owed, times, ...shown } = schedule;
  const { at = null, cron = null, time_zone } = times;
  return { ...shown, at, cron, time_zone };
}

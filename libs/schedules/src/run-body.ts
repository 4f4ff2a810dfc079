import type { JsonObject } from '#eventsourcing';
import { CreateRunBody } from '#runs';
import type { ScheduleState } from './schedule.decider.js';

/** What a schedule asks for. @param from what the run says of where it comes from */
export const bodyOf = ({ run, user_id, on_active_run }: ScheduleState, from: JsonObject): CreateRunBody =>
  Object.assign(new CreateRunBody(), run, {
    user_id,
    on_active_run,
    metadata: { ...run.metadata, schedule: from },
  });

import type { Decider } from '#eventsourcing';
import type { ScheduleFiled } from './schedule.events.js';

/** The session of a schedule; undefined when there is no such schedule. */
export const filingDecider: Decider<string | undefined, ScheduleFiled> = {
  initial: undefined,
  evolve: (_session, { data }) => data.session_id,
};

/** Files a schedule under its session, once. */
export const fileSchedule = (
  filed: string | undefined,
  schedule_id: string,
  session_id: string,
): ScheduleFiled[] =>
  filed === undefined ? [{ type: 'ScheduleFiled', data: { schedule_id, session_id } }] : [];

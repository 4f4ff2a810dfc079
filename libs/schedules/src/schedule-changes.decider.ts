import { RuleViolation } from '#eventsourcing';
import { missedTimes, nextTime } from './due-times.decider.js';
import { present, type Schedules, type SchedulesFact, type ScheduleState } from './schedule.decider.js';
import type { ScheduleBirth, ScheduleDetails, ScheduleFact, ScheduleTimes } from './schedule.events.js';

/** How many schedules of one session may be enabled and not done. */
export const mostActive = 5;
/** After so many facts the schedules of a session are summed up, unless that takes more characters than this. */
const summedEvery = 200;
const longestSum = 128 * 1024;

/**
 * What was decided, behind a sum of what it was decided on when one is due.
 * @param revision of the last fact before it
 */
export function summingUp(
  schedules: Schedules,
  revision: number,
  decided: readonly ScheduleFact[],
): readonly SchedulesFact[] {
  const facts = revision + 1;
  const isDue = Math.floor((facts + decided.length) / summedEvery) > Math.floor(facts / summedEvery);
  if (decided.length === 0 || !isDue) return decided;
  const sum = { schedules: Object.values(schedules).filter((schedule) => schedule !== undefined) };
  if (JSON.stringify(sum).length > longestSum) return decided;
  return [{ type: 'SchedulesSummed', data: sum }, ...decided];
}

/** A schedule is created once; the same birth again changes nothing. @throws RuleViolation too_many_schedules, validation_failed */
export function createSchedule(
  schedules: Schedules,
  birth: Omit<ScheduleBirth, 'next_fire_at'>,
  now: number,
): ScheduleFact[] {
  if (schedules[birth.schedule_id] !== undefined) return [];
  if (!birth.enabled) return [{ type: 'ScheduleCreated', data: birth }];
  expectRoom(schedules, birth.schedule_id);
  return [{ type: 'ScheduleCreated', data: { ...birth, next_fire_at: upcoming(birth.times, now) } }];
}

/**
 * Changes what differs. Times that have come before are owed their runs, as they were asked for until now.
 * @param now milliseconds since 1970
 * @throws RuleViolation not_found, revision_mismatch, too_many_schedules, validation_failed
 */
export function changeSchedule(
  schedules: Schedules,
  id: string,
  { enabled, ...details }: ScheduleDetails & { readonly enabled?: boolean },
  now: number,
  expected?: number,
): ScheduleFact[] {
  const before = present(schedules, id, expected);
  const news: ScheduleDetails = Object.fromEntries(
    Object.entries(details).filter(([key, value]) => !same(value, before[key as keyof ScheduleDetails])),
  );
  const updated: ScheduleFact[] = [];
  if (Object.keys(news).length > 0) {
    const { times } = news;
    const goesOn = times !== undefined && before.enabled && enabled !== false;
    if (goesOn) expectRoom(schedules, id);
    const next_fire_at = goesOn ? upcoming(times, now) : null;
    const data = { schedule_id: id, ...news, ...(times !== undefined && { next_fire_at }) };
    updated.push({ type: 'ScheduleUpdated', data });
  }
  const switched = switchSchedule(schedules, { ...before, ...news }, enabled ?? before.enabled, now);
  const changes = [...updated, ...switched];
  return changes.length === 0 ? [] : [...comeDue(schedules, id, now), ...changes];
}

/** @throws RuleViolation not_found, revision_mismatch */
export function deleteSchedule(schedules: Schedules, id: string, expected?: number): ScheduleFact[] {
  present(schedules, id, expected);
  return [{ type: 'ScheduleDeleted', data: { schedule_id: id } }];
}

/**
 * Makes the times that have come owed. Of very many, it must be done again until it answers nothing.
 * @throws RuleViolation revision_mismatch
 */
export function comeDue(schedules: Schedules, id: string, now: number, expected?: number): ScheduleFact[] {
  const schedule = expected === undefined ? schedules[id] : present(schedules, id, expected);
  const next = schedule?.next_fire_at ?? null;
  if (schedule === undefined || next === null || Date.parse(next) > now) return [];
  return [{ type: 'ScheduleCameDue', data: { schedule_id: id, ...missedTimes(schedule.times, next, now) } }];
}

/** What became of a time that was owed; one that is owed no more stays as it is. */
export function settleTime(
  schedules: Schedules,
  id: string,
  due_at: string,
  became: { readonly run_id: string } | { readonly code: string; readonly detail: string },
): ScheduleFact[] {
  if (schedules[id]?.owed.some((time) => time.due_at === due_at) !== true) return [];
  const data = { schedule_id: id, due_at };
  return 'run_id' in became
    ? [{ type: 'ScheduleFired', data: { ...data, run_id: became.run_id } }]
    : [{ type: 'ScheduleFiringRefused', data: { ...data, code: became.code, detail: became.detail } }];
}

/** Notes a run that was asked for apart from its times; of a schedule that is gone there is nothing to note. */
export function noteTrigger(schedules: Schedules, id: string, run_id: string): ScheduleFact[] {
  if (schedules[id] === undefined) return [];
  return [{ type: 'ScheduleTriggered', data: { schedule_id: id, run_id } }];
}

/** Ends all that could still fire. */
export const endSchedules = (schedules: Schedules, reason: string): ScheduleFact[] =>
  Object.values(schedules).flatMap((schedule): ScheduleFact[] =>
    schedule !== undefined && (schedule.enabled || schedule.owed.length > 0)
      ? [{ type: 'ScheduleEnded', data: { schedule_id: schedule.id, reason } }]
      : [],
  );

function switchSchedule(
  schedules: Schedules,
  { id, enabled: before, times }: ScheduleState,
  enabled: boolean,
  now: number,
): ScheduleFact[] {
  if (enabled === before) return [];
  if (!enabled) return [{ type: 'ScheduleDisabled', data: { schedule_id: id } }];
  expectRoom(schedules, id);
  return [{ type: 'ScheduleEnabled', data: { schedule_id: id, next_fire_at: upcoming(times, now) } }];
}

/** @throws RuleViolation validation_failed */
function upcoming(times: ScheduleTimes, now: number): string {
  const next = nextTime(times, now);
  if (next !== null) return next;
  const [pointer, detail] =
    times.at === undefined ? ['/cron', 'the cron pattern never comes'] : ['/at', 'at must be in the future'];
  throw new RuleViolation('validation_failed', detail, { pointer });
}

function expectRoom(schedules: Schedules, id: string): void {
  const others = Object.values(schedules).filter((one) => one?.id !== id && one?.next_fire_at != null);
  if (others.length < mostActive) return;
  const detail = `the session has ${others.length} active schedules, and may have ${mostActive}`;
  throw new RuleViolation('too_many_schedules', detail);
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

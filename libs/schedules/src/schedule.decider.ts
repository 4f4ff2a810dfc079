import type { Decider, Envelope, Fact } from '#eventsourcing';
import { RuleViolation } from '#eventsourcing';
import type { ScheduleBirth, ScheduledRun, ScheduleFact, ScheduleTimes } from './schedule.events.js';

/** A time that has come and has no run yet. */
export interface OwedTime {
  readonly due_at: string;
  /** When it was seen to have come, which is when its run is made, however often that is tried. */
  readonly seen_at: string;
}

/** A schedule as its stream tells it. */
export interface ScheduleState {
  readonly id: string;
  readonly project_id: string;
  readonly session_id: string;
  readonly user_id: string;
  /** Principal by whose authority it fires. */
  readonly creator: string;
  readonly name: string | null;
  readonly times: ScheduleTimes;
  readonly run: ScheduledRun;
  readonly on_active_run: ScheduleBirth['on_active_run'];
  readonly enabled: boolean;
  /** Null: it is not active, for it is disabled or done. */
  readonly next_fire_at: string | null;
  readonly owed: readonly OwedTime[];
  readonly last_fired_at: string | null;
  readonly last_run_id: string | null;
  /** Why the last time that came has made no run. */
  readonly last_error: string | null;
  readonly fired_count: number;
  readonly skipped_count: number;
  readonly created_at: string;
  readonly updated_at: string;
  readonly revision: number;
}

/** The schedules of one session by id; undefined: there is none, or none any more. */
export type Schedules = Readonly<Record<string, ScheduleState | undefined>>;

/**
 * All schedules of the session as they are: what follows needs nothing before it. Written now and then, for one
 * that fires often would have a process that meets the stream read all that it ever did.
 */
export type SchedulesSummed = Fact<'SchedulesSummed', { readonly schedules: readonly ScheduleState[] }>;

export type SchedulesFact = ScheduleFact | SchedulesSummed;

/** The fold of one schedule among the facts of its session. */
export function evolveSchedule(
  schedule: ScheduleState | undefined,
  fact: ScheduleFact,
  envelope: Envelope,
): ScheduleState | undefined {
  if (fact.type === 'ScheduleCreated') return born(fact.data, envelope);
  return schedule && changed(schedule, fact, envelope);
}

export const schedulesDecider: Decider<Schedules, SchedulesFact> = {
  initial: {},
  evolve: (schedules, fact, envelope) => {
    if (fact.type === 'SchedulesSummed') return byId(fact.data.schedules);
    const { schedule_id: id } = fact.data;
    const { [id]: before, ...others } = schedules;
    const schedule = evolveSchedule(before, fact, envelope);
    return schedule === undefined ? others : { ...schedules, [id]: schedule };
  },
  isOrigin: ({ type }) => type === 'SchedulesSummed',
  weigh: (schedules) => 2 * JSON.stringify(schedules).length,
};

const byId = (schedules: readonly ScheduleState[]): Schedules =>
  Object.fromEntries(schedules.map((schedule) => [schedule.id, schedule]));

function born(birth: ScheduleBirth, { metadata: { at, actor } }: Envelope): ScheduleState {
  const { schedule_id: id, name = null, next_fire_at = null, ...given } = birth;
  return {
    ...given,
    id,
    name,
    next_fire_at,
    creator: actor,
    owed: [],
    last_fired_at: null,
    last_run_id: null,
    last_error: null,
    fired_count: 0,
    skipped_count: 0,
    created_at: at,
    updated_at: at,
    revision: 1,
  };
}

function changed(
  schedule: ScheduleState,
  fact: Exclude<ScheduleFact, { type: 'ScheduleCreated' }>,
  { metadata: { at } }: Envelope,
): ScheduleState | undefined {
  const touched = { ...schedule, updated_at: at, revision: schedule.revision + 1 };
  switch (fact.type) {
    case 'ScheduleUpdated': {
      const { schedule_id: _id, ...details } = fact.data;
      return { ...touched, ...details };
    }
    case 'ScheduleEnabled':
      return { ...touched, enabled: true, next_fire_at: fact.data.next_fire_at };
    case 'ScheduleDisabled':
      return { ...touched, enabled: false, next_fire_at: null };
    case 'ScheduleCameDue': {
      const { times, skipped, next_fire_at } = fact.data;
      const owed = [...schedule.owed, ...times.map((due_at) => ({ due_at, seen_at: at }))];
      return {
        ...touched,
        owed,
        next_fire_at,
        skipped_count: schedule.skipped_count + (skipped?.count ?? 0),
      };
    }
    case 'ScheduleFired':
      return made(
        { ...touched, owed: without(schedule, fact.data.due_at), last_error: null },
        fact.data.run_id,
      );
    case 'ScheduleFiringRefused':
      return { ...touched, owed: without(schedule, fact.data.due_at), last_error: fact.data.code };
    case 'ScheduleTriggered':
      return made(touched, fact.data.run_id);
    case 'ScheduleEnded':
      return { ...touched, enabled: false, next_fire_at: null, owed: [], last_error: fact.data.reason };
    case 'ScheduleDeleted':
      return undefined;
  }
}

const made = (touched: ScheduleState, last_run_id: string): ScheduleState => ({
  ...touched,
  last_run_id,
  last_fired_at: touched.updated_at,
  fired_count: touched.fired_count + 1,
});

const without = ({ owed }: ScheduleState, due_at: string): OwedTime[] =>
  owed.filter((time) => time.due_at !== due_at);

/** @throws RuleViolation not_found, revision_mismatch */
export function present(schedules: Schedules, id: string, expected?: number): ScheduleState {
  const schedule = schedules[id];
  if (schedule === undefined) throw new RuleViolation('not_found', `there is no schedule ${id}`);
  if (expected !== undefined && expected !== schedule.revision) {
    const detail = `the schedule is at revision ${schedule.revision}, not ${expected}`;
    throw new RuleViolation('revision_mismatch', detail);
  }
  return schedule;
}

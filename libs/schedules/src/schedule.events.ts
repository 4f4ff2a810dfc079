import type { Fact, Json, JsonObject } from '#eventsourcing';

export const scheduleRunKinds = ['workflow', 'job', 'turn'] as const;
export const modesOnActiveRun = ['reject', 'allow', 'enqueue', 'steer'] as const;

/** What a firing asks for; all else of the run follows from the session. */
export interface ScheduledRun {
  readonly kind?: (typeof scheduleRunKinds)[number];
  readonly source?: string;
  readonly input?: Json;
  readonly metadata?: JsonObject;
  readonly task_id?: string;
  readonly job_id?: string;
  readonly max_attempts?: number;
}

/** When a schedule fires: once, or as often as the clock of a zone shows what a pattern says. */
export interface ScheduleTimes {
  /** RFC 3339 UTC with milliseconds. */
  readonly at?: string;
  readonly cron?: string;
  /** IANA name. */
  readonly time_zone: string;
}

/** All that can be changed later. Null says that there is none, or none any more. */
export interface ScheduleDetails {
  readonly name?: string | null;
  readonly times?: ScheduleTimes;
  readonly run?: ScheduledRun;
  readonly on_active_run?: (typeof modesOnActiveRun)[number];
}

export interface ScheduleBirth extends Required<Omit<ScheduleDetails, 'name'>> {
  readonly schedule_id: string;
  readonly project_id: string;
  readonly session_id: string;
  /** Whose session it is, and whose the runs will be. */
  readonly user_id: string;
  readonly name?: string;
  readonly enabled: boolean;
  /** Absent while it is disabled. */
  readonly next_fire_at?: string;
}

/** Who creates it stands in the envelope: it fires by the authority that this principal has by then. */
export type ScheduleCreated = Fact<'ScheduleCreated', ScheduleBirth>;
/** `next_fire_at` is there when its times have changed; null: it fires no more. */
export type ScheduleUpdated = Fact<
  'ScheduleUpdated',
  ScheduleDetails & { readonly schedule_id: string; readonly next_fire_at?: string | null }
>;
export type ScheduleEnabled = Fact<
  'ScheduleEnabled',
  { readonly schedule_id: string; readonly next_fire_at: string | null }
>;
export type ScheduleDisabled = Fact<'ScheduleDisabled', { readonly schedule_id: string }>;
/**
 * Times have come, and each is owed its run from now on. `skipped` came long before them, when nobody was
 * there to see it, and are too many to be made up for.
 */
export type ScheduleCameDue = Fact<
  'ScheduleCameDue',
  {
    readonly schedule_id: string;
    readonly times: readonly string[];
    readonly skipped?: { readonly count: number; readonly first: string; readonly last: string };
    /** Null: no time follows. */
    readonly next_fire_at: string | null;
  }
>;
/** A time that was owed has its run. */
export type ScheduleFired = Fact<
  'ScheduleFired',
  { readonly schedule_id: string; readonly due_at: string; readonly run_id: string }
>;
/** A time that was owed makes no run, for the rule that this code names. */
export type ScheduleFiringRefused = Fact<
  'ScheduleFiringRefused',
  { readonly schedule_id: string; readonly due_at: string; readonly code: string; readonly detail: string }
>;
/** Somebody had it make a run apart from its times. */
export type ScheduleTriggered = Fact<
  'ScheduleTriggered',
  { readonly schedule_id: string; readonly run_id: string }
>;
/** Its session is gone. */
export type ScheduleEnded = Fact<'ScheduleEnded', { readonly schedule_id: string; readonly reason: string }>;
export type ScheduleDeleted = Fact<'ScheduleDeleted', { readonly schedule_id: string }>;

/** The facts of a stream `schedules-<session id>`: all schedules of one session, so that one append can count them. */
export type ScheduleFact =
  | ScheduleCreated
  | ScheduleUpdated
  | ScheduleEnabled
  | ScheduleDisabled
  | ScheduleCameDue
  | ScheduleFired
  | ScheduleFiringRefused
  | ScheduleTriggered
  | ScheduleEnded
  | ScheduleDeleted;

export const scheduleStreams = 'schedules-';
export const scheduleStream = (sessionId: string): string => `${scheduleStreams}${sessionId}`;

/** In whose stream a schedule stands: written before the schedule, and never changed. */
export type ScheduleFiled = Fact<
  'ScheduleFiled',
  { readonly schedule_id: string; readonly session_id: string }
>;

/** The stream that finds a schedule's session by the schedule's id. */
export const filingStream = (id: string): string => `scheduleSession-${id}`;

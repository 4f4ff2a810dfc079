import { expectSmall, ProblemError } from '#http';
import { nextTime } from './due-times.decider.js';
import type { ScheduledRunBody } from './schedule.bodies.js';
import type { ScheduledRun, ScheduleTimes } from './schedule.events.js';

interface Asked {
  readonly at?: string | null;
  readonly cron?: string | null;
  readonly time_zone?: string | null;
}

/**
 * The times that a body asks for.
 * @param before what a change that says nothing of them keeps
 * @param now milliseconds since 1970
 * @throws ProblemError validation_failed unless it is one of the two, and still to come
 */
export function timesOf(asked: Asked, before: ScheduleTimes | undefined, now: number): ScheduleTimes {
  const { at, cron } = asked;
  if (at != null && cron != null) throw fault('/cron', 'must not be there beside at');
  if (at == null && cron == null && before === undefined) throw fault('/at', 'or cron must be there');
  const kept = before?.at === undefined ? 'cron' : 'at';
  if (before !== undefined && at == null && cron == null && asked[kept] === null) {
    throw fault(`/${kept}`, 'must not be null unless the other of at and cron takes its place');
  }
  const time_zone = asked.time_zone ?? before?.time_zone ?? 'UTC';
  const when = at != null ? { at: new Date(at).toISOString() } : cron != null ? { cron } : before;
  const times: ScheduleTimes = { ...when, time_zone };
  const same = at == null && cron == null && time_zone === before?.time_zone;
  if (same || nextTime(times, now) !== null) return times;
  throw times.at === undefined
    ? fault('/cron', 'must come at some time')
    : fault('/at', 'must be in the future');
}

/** What a body asks of each run. @throws ProblemError validation_failed, payload_too_large */
export function runOf(asked: ScheduledRunBody): ScheduledRun {
  expectSmall(asked.input ?? null, '/run/input');
  if (asked.metadata?.['schedule'] !== undefined)
    throw fault(
      '/run/metadata/schedule',
      'must be left out: there each firing says where its run comes from',
    );
  return Object.fromEntries(Object.entries(asked).filter(([, value]) => value != null));
}

const fault = (pointer: string, detail: string): ProblemError =>
  new ProblemError('validation_failed', `${pointer}: ${detail}.`, { errors: [{ pointer, detail }] });

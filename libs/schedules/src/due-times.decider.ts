import { Cron } from 'croner';
import type { ScheduleTimes } from './schedule.events.js';

/** How many times are owed their runs when more were missed: the newest. */
export const mostOwed = 100;
/** How many missed times are looked through at once: a few hundredths of a second. */
const mostSkipped = 400;

/**
 * The pattern as it can be asked for times. A fixed time of day that the zone skips comes when it goes on,
 * and one that it has twice comes the first time; what is listed or stepped comes whenever the clock shows it.
 * @throws Error what is wrong with the pattern or the zone
 */
function cronOf({ cron = '', time_zone }: ScheduleTimes): Cron {
  const pattern = new Cron(cron, { timezone: time_zone, paused: true });
  // The library takes a date for a pattern too.
  if (pattern.getOnce() !== null) throw new Error('a pattern has five to seven fields');
  return pattern;
}

/** What is wrong with a pattern, in words; undefined when nothing is. */
export function cronFault(cron: string): string | undefined {
  try {
    cronOf({ cron, time_zone: 'UTC' });
    return undefined;
  } catch (error) {
    return (error as Error).message.replace(/^CronPattern: /, '');
  }
}

/** Whether there is such a time zone; offsets are none. */
export function isTimeZone(name: string): boolean {
  try {
    return (
      /^[a-z]/i.test(name) && new Intl.DateTimeFormat('en', { timeZone: name }) instanceof Intl.DateTimeFormat
    );
  } catch {
    return false;
  }
}

/** The times after a moment, in order; the moment in milliseconds since 1970. */
function* timesAfter(times: ScheduleTimes, after: number): Generator<string, undefined> {
  if (times.at !== undefined) {
    if (Date.parse(times.at) > after) yield times.at;
    return undefined;
  }
  const pattern = cronOf(times);
  for (let last: Date | null = new Date(after); (last = pattern.nextRun(last)) !== null;) {
    yield last.toISOString();
  }
  return undefined;
}

/** The first time after a moment; null when there is none. @param after milliseconds since 1970 */
export const nextTime = (times: ScheduleTimes, after: number): string | null =>
  timesAfter(times, after).next().value ?? null;

export interface Missed {
  /** In order; at most `mostOwed`. */
  readonly times: readonly string[];
  readonly skipped?: { readonly count: number; readonly first: string; readonly last: string };
  readonly next_fire_at: string | null;
}

/**
 * What has come due. Of very many times it goes through some only, skipping them: `next_fire_at` is then
 * still due, and the rest is found by asking again from there.
 * @param next the first time that may be due
 * @param now milliseconds since 1970
 */
export function missedTimes(times: ScheduleTimes, next: string, now: number): Missed {
  const due: string[] = [];
  let following: string | null = next;
  const later = timesAfter(times, Date.parse(next));
  while (following !== null && Date.parse(following) <= now && due.length < mostSkipped + mostOwed) {
    due.push(following);
    following = later.next().value ?? null;
  }
  const isAll = following === null || Date.parse(following) > now;
  const owed = due.slice(isAll ? -mostOwed : mostSkipped);
  const skipped = due.slice(0, due.length - owed.length);
  const [first, last] = [skipped[0], skipped.at(-1)];
  return {
    times: isAll ? owed : [],
    ...(first !== undefined && last !== undefined && { skipped: { count: skipped.length, first, last } }),
    next_fire_at: isAll ? following : (owed[0] ?? null),
  };
}

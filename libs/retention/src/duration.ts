/** An ISO 8601 duration: whole months, and a rest of fixed length. */
export interface Duration {
  readonly months: number;
  readonly milliseconds: number;
}

const form =
  /^P(?=\d|T\d)(?:(\d{1,4})Y)?(?:(\d{1,4})M)?(?:(\d{1,4})W)?(?:(\d{1,6})D)?(?:T(?=\d)(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,9}(?:\.\d{1,3})?)S)?)?$/;
const seconds = { weeks: 604_800, days: 86_400, hours: 3_600, minutes: 60 };

/** Undefined when the text is no duration, or one longer than 9,999 years. */
export function durationOf(text: string): Duration | undefined {
  const found = form.exec(text);
  if (found === null) return undefined;
  const [years = 0, months = 0, weeks = 0, days = 0, hours = 0, minutes = 0, rest = 0] = found
    .slice(1)
    .map((digits) => Number((digits as string | undefined) ?? 0));
  const whole =
    weeks * seconds.weeks + days * seconds.days + hours * seconds.hours + minutes * seconds.minutes;
  return { months: years * 12 + months, milliseconds: (whole + rest) * 1_000 };
}

/**
 * The time a duration later, by the calendar of UTC; the last day of a month that has no such day.
 * @param time milliseconds since 1970
 */
export function later(time: number, { months, milliseconds }: Duration): number {
  if (months === 0) return time + milliseconds;
  const date = new Date(time);
  const day = date.getUTCDate();
  date.setUTCDate(1);
  date.setUTCMonth(date.getUTCMonth() + months);
  const days = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  date.setUTCDate(Math.min(day, days));
  return date.getTime() + milliseconds;
}

/** No time that is a duration ago lies behind this one: every month counts for its shortest. */
export const surelyBefore = (now: number, { months, milliseconds }: Duration): number =>
  now - months * 28 * seconds.days * 1_000 - milliseconds;

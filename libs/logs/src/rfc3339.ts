import { isTime } from '#http';

const canonical = /^\d{4}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/;
const utcForm = /^(?!0000)\d{4}-/;

/** The day that was last found in the calendar: nearly all lines that come are of one day. */
let knownDay = 'none';

/**
 * The same time in UTC with milliseconds (finer digits are dropped), or undefined when the text is no
 * RFC 3339 time or lies outside the years 0001 to 9999.
 */
export function utcMilliseconds(text: string): string | undefined {
  if (canonical.test(text) && text.startsWith(knownDay)) return text;
  if (!isTime(text)) return undefined;
  const utc = new Date(text.toUpperCase()).toISOString();
  if (!utcForm.test(utc)) return undefined;
  knownDay = utc.slice(0, 10);
  return utc;
}

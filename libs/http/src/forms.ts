const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const rfc3339 =
  /^(\d{4}-(\d{2})-(\d{2}))[Tt]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)$/;

/** Whether a value is a lower-case UUID. */
export const isUuid = (value: unknown): value is string => typeof value === 'string' && uuid.test(value);

/** Whether a value is a time by RFC 3339, on a day that the calendar has. */
export function isTime(value: unknown): value is string {
  if (typeof value !== 'string') return false;
  const date = rfc3339.exec(value)?.[1];
  if (date === undefined) return false;
  const day = new Date(`${date}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(date);
}

/** Whether a value is what JSON calls an object. */
export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Whether a text has at most so many characters (code points). */
export function hasAtMost(text: string, characters: number): boolean {
  if (text.length <= characters) return true;
  if (text.length > 2 * characters) return false;
  let count = 0;
  for (const _ of text) count++;
  return count <= characters;
}

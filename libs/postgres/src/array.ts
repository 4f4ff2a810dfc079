/** What needs no quotes; the word NULL, in any case, would be no value. */
const plain = /^(?!null$)[\w-]+$/i;

/**
 * An array parameter as Postgres writes one, of values that need no quoting: numbers, UUIDs, times. A
 * tenth of what the driver takes for it, which looks at each value for something to quote.
 */
export const plainArray = (values: readonly (string | number)[]): string => `{${values.join(',')}}`;

/** The same of any text. */
export const textArray = (values: readonly string[]): string =>
  `{${values.map((value) => (plain.test(value) ? value : quoted(value))).join(',')}}`;

const quoted = (value: string): string => `"${value.replaceAll(/["\\]/g, '\\$&')}"`;

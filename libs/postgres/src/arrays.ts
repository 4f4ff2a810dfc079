type Scalar = string | number | boolean | null | undefined;

/** What makes the text of an element ambiguous between the braces of an array, unless it is empty or a null. */
const ambiguous = /["\\{},\s]/;

const element = (value: Scalar): string => {
  if (value === null || value === undefined) return 'NULL';
  if (typeof value !== 'string') return String(value);
  const bare = value !== '' && !ambiguous.test(value) && !(value.length === 4 && /null/i.test(value));
  return bare ? value : `"${value.replace(/["\\]/g, '\\$&')}"`;
};

/**
 * A column of values as the parameter of an array of whatever type. The driver's own arrays quote and
 * escape every element; of the ids, times and words that come in bulk hardly any needs it.
 */
export const arrayOf = (values: readonly Scalar[]): string => `{${values.map(element).join(',')}}`;

/**
 * JSON texts as the parameter of `string_to_array($1, E'\n', '')`. JSON has no raw line break: joined by
 * it, the texts need no quoting at all. What is null becomes NULL.
 */
export const jsonLines = (texts: readonly (string | null)[]): string => texts.join('\n');

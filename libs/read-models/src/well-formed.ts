/** Text as Postgres keeps it: what JSON may hold but Unicode has not, a lone surrogate, is U+FFFD. */
export const wellFormed = (text: string): string => Buffer.from(text).toString();

/**
 * A json column that Postgres can look into: it reads all of a document when asked for one field, and fails at
 * the escape of a lone surrogate anywhere in it.
 */
export const wellFormedJson = (column: string): string =>
  String.raw`(CASE WHEN strpos(${column}::text, '\ud') = 0 THEN ${column}
    ELSE regexp_replace(${column}::text, '\\ud[89a-f][0-9a-f]{2}', '\\ufffd', 'g')::json END)`;

const rowsOfStatement = 1_000;

/**
 * Parts rows into those of one statement each: the next statement is put into words while the database
 * works on the one before, and none needs more memory there than it is given.
 */
export function* chunks<T>(rows: readonly T[]): Generator<readonly T[]> {
  for (let n = 0; n < rows.length; n += rowsOfStatement) yield rows.slice(n, n + rowsOfStatement);
}

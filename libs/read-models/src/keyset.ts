import type { Database } from './database.js';

/** Conditions joined by AND, with their values as parameters. */
export class Where {
  readonly values: unknown[] = [];
  private readonly parts: string[] = [];

  /** Adds a condition; each `?` in it stands for the next value. */
  and(condition: string, ...values: readonly unknown[]): this {
    let n = 0;
    this.parts.push(condition.replaceAll('?', () => this.value(values[n++])));
    return this;
  }

  /** Registers a value and answers the name that stands for it in SQL. */
  value(value: unknown): string {
    this.values.push(value);
    return `$${String(this.values.length)}`;
  }

  get sql(): string {
    return this.parts.join(' AND ');
  }
}

export interface Keyset {
  /** What to select, as SQL. */
  readonly columns: string;
  /** One source, or several that have no row in common and are merged in order. */
  readonly from: readonly { readonly tables: string; readonly only?: string }[];
  /** The column that orders the list, unique in it. */
  readonly key: string;
  readonly where: Where;
  readonly order: 'asc' | 'desc';
  readonly limit: number;
  /**
   * Whether one plan serves whatever the values are, as it does where all of them are asked to be equal to
   * something. Postgres then plans such a list once for all, which costs as much as reading a page.
   */
  readonly steady?: boolean;
  /** Whether an index of words finds the rows, wherever in the list they stand. */
  readonly search?: boolean;
  /** The column, of type json, that may be large: a page ends early when the rows on it are. */
  readonly large?: string;
}

/** A page of anything is full, whatever was asked for, when what it shows is this long, in bytes of JSON; about. */
export const pageBytes = 32 * 1024 * 1024;
/** What takes no more bytes on disk than this is not unpacked to see how long it is: 90 times of it at most. */
const surelySmall = 4 * 1024;

/** How long a value of type json is, as SQL. */
export const bytesOf = (column: string): string =>
  `CASE WHEN pg_column_size(${column}) <= ${surelySmall} THEN 0 ELSE octet_length(json_send(${column})) END`;

/**
 * The first rows of a query, as many as make a page; at least one, and in each how many there are, as `page_found`.
 * @param sql a query with the columns `page_key`, which orders it, and `page_bytes`, the length of each row
 */
export const firstBytesOf = (sql: string, order: Keyset['order']): string =>
  `SELECT * FROM (
     SELECT *, count(*) OVER ()::int AS page_found,
       sum(page_bytes) OVER (ORDER BY page_key ${order} ROWS UNBOUNDED PRECEDING) - page_bytes AS bytes_before
     FROM (${sql}) page) weighed
   WHERE bytes_before < ${pageBytes} ORDER BY page_key ${order}`;

/** Names of the statements that are prepared, by their text: as many as a connection is to keep. */
const prepared = new Map<string, string>();
const mostPrepared = 200;

/** The SQL of one page and one row more: an index walk for each source, merged, never sorted as a whole. */
export function keysetSql({ columns, from, key, where, order, limit, large }: Keyset): string {
  const most = where.value(limit + 1);
  const bytes = large === undefined ? '' : `, ${bytesOf(large)} AS page_bytes`;
  const walks = from.map(
    ({ tables, only }) =>
      `(SELECT ${key} AS page_key, ${columns}${bytes} FROM ${tables}
        WHERE ${where.sql}${only === undefined ? '' : ` AND ${only}`} ORDER BY ${key} ${order} LIMIT ${most})`,
  );
  const merged = `SELECT * FROM (${walks.join(' UNION ALL ')}) walks ORDER BY page_key ${order} LIMIT ${most}`;
  const found = walks.length === 1 ? (walks[0] ?? '') : merged;
  return large === undefined ? found : firstBytesOf(found, order);
}

export interface KeysetPage<Row> {
  /** Each with the key that its place in the list depends on. */
  readonly rows: readonly (Row & { readonly page_key: string })[];
  /** Whether something follows the last row. */
  readonly more: boolean;
}

/** Reads one page. */
export async function keysetPage<Row extends object>(
  database: Database,
  keyset: Keyset,
): Promise<KeysetPage<Row>> {
  type Found = Row & { page_key: string; page_found?: number };
  const [text, values] = [keysetSql(keyset), keyset.where.values];
  const rows = await found<Found>(database, keyset, text, values);
  const shown = rows.slice(0, keyset.limit);
  return { rows: shown, more: (rows[0]?.page_found ?? rows.length) > shown.length };
}

function found<Row extends object>(
  database: Database,
  { steady = false, search = false }: Keyset,
  text: string,
  values: readonly unknown[],
): Promise<Row[]> {
  if (search) return database.search<Row>(text, values);
  const name = steady ? preparedName(text) : undefined;
  return name === undefined ? database.query<Row>(text, values) : database.prepared<Row>(name, text, values);
}

function preparedName(text: string): string | undefined {
  if (!prepared.has(text) && prepared.size < mostPrepared) prepared.set(text, `page-${prepared.size}`);
  return prepared.get(text);
}

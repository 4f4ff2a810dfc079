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
}

/** Names of the statements that are prepared, by their text: as many as a connection is to keep. */
const prepared = new Map<string, string>();
const mostPrepared = 200;

/** The SQL of one page and one row more: an index walk for each source, merged, never sorted as a whole. */
export function keysetSql({ columns, from, key, where, order, limit }: Keyset): string {
  const most = where.value(limit + 1);
  const walks = from.map(
    ({ tables, only }) =>
      `(SELECT ${key} AS page_key, ${columns} FROM ${tables}
        WHERE ${where.sql}${only === undefined ? '' : ` AND ${only}`} ORDER BY ${key} ${order} LIMIT ${most})`,
  );
  if (walks.length === 1) return walks[0] ?? '';
  return `SELECT * FROM (${walks.join(' UNION ALL ')}) walks ORDER BY page_key ${order} LIMIT ${most}`;
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
  type Found = Row & { page_key: string };
  const [text, values] = [keysetSql(keyset), keyset.where.values];
  const rows = await found<Found>(database, keyset, text, values);
  return { rows: rows.slice(0, keyset.limit), more: rows.length > keyset.limit };
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

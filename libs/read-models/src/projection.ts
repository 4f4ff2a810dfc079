import type { RecordedEvent } from '#eventsourcing';

/**
 * Runs SQL with parameters, within whatever transaction it stands in. Statements that do not wait for each
 * other are run in the order of the calls.
 */
export interface Sql {
  query<Row extends object>(text: string, values?: readonly unknown[]): Promise<Row[]>;
}

/**
 * Folds events into tables. Names in its SQL are unqualified: they are found in the schema that
 * is being written, which is named after the projection while it serves.
 */
export abstract class Projection {
  /** Lower-case word; the name of its schema. */
  abstract readonly name: string;
  /** Counts up with every change of tables or fold; the read model is then rebuilt at the next start. */
  abstract readonly version: number;
  /** The streams it reads: those whose name starts with one of these. */
  abstract readonly prefixes: readonly string[];
  /** DDL of the tables with the keys that the fold itself needs. */
  abstract readonly tables: string;
  /**
   * DDL of the indexes that only readers need, made when a rebuild has caught up; a semicolon in it does
   * nothing but end a statement.
   */
  abstract readonly indexes: string;
  /**
   * What folds the same tables, where `apply` also does something elsewhere, as a policy does: rebuilds are made
   * with it, and verifications, for what follows from the events has been done.
   */
  readonly rows?: Projection;
  /**
   * Applies a batch, in order, with a handful of statements. Deterministic: the same events give
   * the same rows, whatever the batches.
   */
  abstract apply(sql: Sql, events: readonly RecordedEvent[]): Promise<void>;
}

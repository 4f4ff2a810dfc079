import { Client, DatabaseError, type Pool, type QueryConfig } from 'pg';
import type { MigrationInterface } from 'typeorm';
import { DataSource } from 'typeorm';
import { NotBuiltYet } from '#eventsourcing';
import { longestWait, openPool, query } from '#postgres';
import { ProjectionRow } from './projection-row.js';
import type { Sql } from './projection.js';

/** Schemas, tables or columns that a build in progress will bring. */
const unbuilt = new Set(['3F000', '42P01', '42703']);
/**
 * Pages come from memory, or from a disk that does not turn. Taken for one that does, as by default, a search in an
 * index seems to cost more than walking a list until enough is found, which may be at its end.
 */
const scattered = '-c random_page_cost=1.1';
const migrationLock = 0x52_4c_4d_47;

/** The connections to the read models: a pool for hot paths, TypeORM for migrations and plain reads. */
export class Database implements Sql {
  private constructor(
    readonly url: string,
    readonly pool: Pool,
    private readonly searches: Pool,
    readonly orm: DataSource,
  ) {}

  /** Connects and brings the schema up to date; servers that start together take turns. */
  static async open(url: string, migrations: (new () => MigrationInterface)[]): Promise<Database> {
    const orm = new DataSource({
      type: 'postgres',
      url,
      entities: [ProjectionRow],
      migrations,
      // The schema `runledger` would come first in the search path of a user of that name.
      schema: 'public',
      migrationsTableName: 'runledger_migrations',
      poolSize: 2,
      connectTimeoutMS: longestWait,
      applicationName: 'runledger orm',
    });
    const turn = new Client({ connectionString: url });
    turn.on('error', () => undefined); // told by its statements
    await turn.connect();
    try {
      await turn.query('SELECT pg_advisory_lock($1)', [migrationLock]);
      await orm.initialize();
      await orm.runMigrations({ transaction: 'each' });
    } finally {
      await turn.end();
    }
    const pool = openPool(url, 'reads', 12);
    return new Database(url, pool, openPool(url, 'searches', 4, { options: scattered }), orm);
  }

  /** @throws StoreUnavailable; NotBuiltYet while the read model that it asks has not been built */
  query<Row extends object>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    return this.rows<Row>(this.pool, { text, values: [...values] });
  }

  /** The same, for what is found scattered over a table. */
  search<Row extends object>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    return this.rows<Row>(this.searches, { text, values: [...values] });
  }

  /** The same, as a prepared statement of that name. */
  prepared<Row extends object>(name: string, text: string, values: readonly unknown[]): Promise<Row[]> {
    return this.rows<Row>(this.pool, { name, text, values: [...values] });
  }

  private async rows<Row extends object>(pool: Pool, config: QueryConfig<unknown[]>): Promise<Row[]> {
    try {
      return (await query<Row>(pool, config)).rows;
    } catch (error) {
      if (error instanceof DatabaseError && unbuilt.has(error.code ?? '')) {
        throw new NotBuiltYet('the read model is not built yet', { cause: error });
      }
      throw error;
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.pool.end(), this.searches.end(), this.orm.destroy()]);
  }
}

import { Client, type Pool } from 'pg';
import type { MigrationInterface } from 'typeorm';
import { DataSource } from 'typeorm';
import { openPool, query } from '#postgres';
import { ProjectionRow } from './projection-row.js';
import type { Sql } from './projection.js';

const migrationLock = 0x52_4c_4d_47;

/** The connections to the read models: a pool for hot paths, TypeORM for migrations and plain reads. */
export class Database implements Sql {
  private constructor(
    readonly url: string,
    readonly pool: Pool,
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
      applicationName: 'runledger orm',
    });
    const turn = new Client({ connectionString: url });
    await turn.connect();
    try {
      await turn.query('SELECT pg_advisory_lock($1)', [migrationLock]);
      await orm.initialize();
      await orm.runMigrations({ transaction: 'each' });
    } finally {
      await turn.end();
    }
    const pool = openPool(url, 'reads', 12);
    return new Database(url, pool, orm);
  }

  async query<Row extends object>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    return (await query<Row>(this.pool, { text, values: [...values] })).rows;
  }

  /** The same, as a prepared statement of that name. */
  async prepared<Row extends object>(name: string, text: string, values: readonly unknown[]): Promise<Row[]> {
    return (await query<Row>(this.pool, { name, text, values: [...values] })).rows;
  }

  async close(): Promise<void> {
    await Promise.all([this.pool.end(), this.orm.destroy()]);
  }
}

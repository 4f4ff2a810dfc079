import { randomBytes } from 'node:crypto';
import pg from 'pg';
import type { RecordedEvent } from '#eventsourcing';
import type { Projection } from '#read-models';

export type Tables = Readonly<Record<string, readonly Record<string, unknown>[]>>;

/** Folds events into the projection's tables, so many at a time; answers all rows of all tables, in order. */
export async function projected(
  url: string,
  projection: Projection,
  events: readonly RecordedEvent[],
  batchSize = events.length,
): Promise<Tables> {
  const client = new pg.Client({ connectionString: url, pipeline: true });
  await client.connect();
  const schema = `spec_${randomBytes(6).toString('hex')}`;
  try {
    await client.query(
      `CREATE SCHEMA ${schema}; SET search_path TO ${schema}; SET timezone TO 'UTC'; ${projection.tables}`,
    );
    const sql = {
      query: async <Row extends object>(text: string, values: readonly unknown[] = []) =>
        (await client.query<Row>(text, [...values])).rows,
    };
    for (let n = 0; n < events.length; n += batchSize) {
      await projection.apply(sql, events.slice(n, n + batchSize));
    }
    await client.query(projection.indexes);
    const names = await client.query<{ name: string }>(
      'SELECT tablename AS name FROM pg_tables WHERE schemaname = $1 ORDER BY 1',
      [schema],
    );
    const tables: Record<string, Record<string, unknown>[]> = {};
    for (const { name } of names.rows) {
      const { rows } = await client.query<{ row: Record<string, unknown> }>(
        `SELECT row_to_json(t) AS row FROM ${name} t ORDER BY t::text COLLATE "C"`,
      );
      tables[name] = rows.map(({ row }) => row);
    }
    return tables;
  } finally {
    await client.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
    await client.end();
  }
}

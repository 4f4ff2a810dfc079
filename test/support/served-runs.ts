import type { RecordedEvent } from '#eventsourcing';
import type { Database, Sql } from '#read-models';
import { RunsProjection, type RunState } from '#runs';

/** Puts the runs of a history where lists and claims read them, in place of all others. */
export async function served(database: Database, history: readonly RecordedEvent[]): Promise<RunState[]> {
  const { tables, indexes } = new RunsProjection();
  const client = await database.pool.connect();
  try {
    await client.query(
      `DROP SCHEMA IF EXISTS runs CASCADE; CREATE SCHEMA runs; SET search_path TO runs; ${tables}`,
    );
    const sql: Sql = {
      query: async <Row extends object>(text: string, values: readonly unknown[] = []) =>
        (await client.query<Row>(text, [...values])).rows,
    };
    await new RunsProjection().apply(
      sql,
      history.filter(({ stream }) => stream.startsWith('run-')),
    );
    await client.query(`${indexes} SET search_path TO DEFAULT`);
    return (await sql.query<{ doc: RunState }>('SELECT doc FROM runs.runs')).map(({ doc }) => doc);
  } finally {
    client.release();
  }
}

import type { Fact, RecordedEvent } from '#eventsourcing';
import { arrayOf, jsonArray } from '#postgres';
import type { Sql } from '#read-models';
import { chunks, Projection } from '#read-models';
import { evolveSchedule, type ScheduleState } from './schedule.decider.js';
import { type ScheduleFact, scheduleStreams } from './schedule.events.js';

/** Told whenever a schedule has changed. */
export const schedulesChannel = 'runledger_schedules';

/** One row per schedule, and indexes for the list of a session and for what is due next. */
export class SchedulesProjection extends Projection {
  readonly name = 'schedules';
  readonly version = 1;
  readonly prefixes = [scheduleStreams];

  readonly tables = `
    CREATE TABLE schedules (
      id uuid PRIMARY KEY,
      session_id uuid NOT NULL,
      enabled boolean NOT NULL,
      -- When there is something to do for it next.
      wake_at timestamptz,
      doc json NOT NULL
    ) WITH (fillfactor = 80);`;

  readonly indexes = `
    CREATE INDEX schedules_session ON schedules (session_id, id);
    CREATE INDEX schedules_enabled ON schedules (session_id, enabled, id);
    CREATE INDEX schedules_wake ON schedules (wake_at) WHERE wake_at IS NOT NULL;`;

  async apply(sql: Sql, all: readonly RecordedEvent[]): Promise<void> {
    // A sum says nothing that was not said before.
    const events = all.filter(({ type }) => type !== 'SchedulesSummed');
    const rows = await this.stored(sql, events);
    const gone = new Set<string>();
    for (const event of events) {
      const fact = event as Fact as ScheduleFact;
      const { schedule_id: id } = fact.data;
      const schedule = evolveSchedule(rows.get(id), fact, event);
      if (schedule !== undefined) rows.set(id, schedule);
      else if (rows.delete(id)) gone.add(id);
    }
    for (const some of chunks([...rows.values()])) await this.store(sql, some);
    if (gone.size > 0) {
      await sql.query('DELETE FROM schedules WHERE id = ANY ($1::uuid[])', [arrayOf([...gone])]);
    }
    await sql.query(`SELECT pg_notify('${schedulesChannel}', '')`);
  }

  /** The schedules that the batch tells of. */
  private async stored(sql: Sql, events: readonly RecordedEvent[]): Promise<Map<string, ScheduleState>> {
    const ids = new Set(events.map((event) => (event as Fact as ScheduleFact).data.schedule_id));
    const rows = await sql.query<{ doc: ScheduleState }>(
      'SELECT doc FROM schedules WHERE id = ANY ($1::uuid[])',
      [arrayOf([...ids])],
    );
    return new Map(rows.map(({ doc }) => [doc.id, doc]));
  }

  private async store(sql: Sql, rows: readonly ScheduleState[]): Promise<void> {
    await sql.query(
      `INSERT INTO schedules (id, session_id, enabled, wake_at, doc)
       SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::boolean[], $4::timestamptz[],
         $5::json[])
       ON CONFLICT (id) DO UPDATE SET enabled = excluded.enabled, wake_at = excluded.wake_at, doc = excluded.doc`,
      [
        arrayOf(rows.map(({ id }) => id)),
        arrayOf(rows.map(({ session_id }) => session_id)),
        arrayOf(rows.map(({ enabled }) => enabled)),
        arrayOf(rows.map(({ owed, next_fire_at }) => owed[0]?.due_at ?? next_fire_at)),
        jsonArray(rows.map((schedule) => JSON.stringify(schedule))),
      ],
    );
  }
}

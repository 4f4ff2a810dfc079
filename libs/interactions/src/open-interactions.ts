import type { RecordedEvent } from '#eventsourcing';
import { arrayOf } from '#postgres';
import type { Sql } from '#read-models';
import { Projection } from '#read-models';
import { runStream } from '#runs/projections';
import { type InteractionRequested, interactionStreams } from './interaction.events.js';

/** Which questions are open, as the policy keeps it. */
export class OpenInteractions extends Projection {
  readonly name = 'interaction_policy';
  readonly version = 1;
  /** Those of runs are for the policy. */
  readonly prefixes = [interactionStreams, runStream('')];

  readonly tables = `
    CREATE TABLE open (
      interaction_id uuid PRIMARY KEY,
      run_id uuid NOT NULL
    );
    CREATE INDEX open_run ON open (run_id);`;

  readonly indexes = '';

  async apply(sql: Sql, events: readonly RecordedEvent[]): Promise<void> {
    const opened = new Map<string, string>();
    const closed = new Set<string>();
    for (const { stream, type, data } of events) {
      if (!stream.startsWith(interactionStreams)) continue;
      const id = stream.slice(interactionStreams.length);
      if (type === 'InteractionRequested') opened.set(id, (data as InteractionRequested['data']).run_id);
      else closed.add(id);
    }
    if (opened.size > 0) {
      await sql.query('INSERT INTO open SELECT * FROM unnest($1::uuid[], $2::uuid[])', [
        arrayOf([...opened.keys()]),
        arrayOf([...opened.values()]),
      ]);
    }
    if (closed.size > 0) {
      await sql.query('DELETE FROM open WHERE interaction_id = ANY ($1::uuid[])', [arrayOf([...closed])]);
    }
  }
}

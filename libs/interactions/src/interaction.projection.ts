import type { Fact, RecordedEvent } from '#eventsourcing';
import { arrayOf, jsonArray } from '#postgres';
import type { Sql } from '#read-models';
import { chunks, Projection } from '#read-models';
import { interactionDecider, type InteractionState } from './interaction.decider.js';
import { type InteractionFact, interactionStreams } from './interaction.events.js';

interface Row {
  readonly doc: InteractionState;
  /** Position of its first event, as decimal digits: the order of asking. */
  readonly place: string;
}

/** One row per question, and an index for each list: of a session, and of those that expire next. */
export class InteractionsProjection extends Projection {
  readonly name = 'interactions';
  readonly version = 1;
  readonly prefixes = [interactionStreams];

  readonly tables = `
    CREATE TABLE interactions (
      id uuid PRIMARY KEY,
      place bigint NOT NULL,
      project_id text COLLATE "C" NOT NULL,
      user_id uuid NOT NULL,
      session_id uuid,
      kind text COLLATE "C" NOT NULL,
      status text COLLATE "C" NOT NULL,
      expires_at timestamptz NOT NULL,
      doc json NOT NULL
    );`;

  readonly indexes = `
    CREATE INDEX interactions_session ON interactions (session_id, place) WHERE session_id IS NOT NULL;
    CREATE INDEX interactions_status ON interactions (session_id, status, place) WHERE session_id IS NOT NULL;
    CREATE INDEX interactions_expiry ON interactions (expires_at) WHERE status = 'pending';`;

  async apply(sql: Sql, events: readonly RecordedEvent[]): Promise<void> {
    const rows = await this.stored(sql, events);
    for (const event of events) {
      const known = rows.get(event.stream);
      const doc = interactionDecider.evolve(known?.doc, event as Fact as InteractionFact, event);
      if (doc !== undefined) rows.set(event.stream, { doc, place: known?.place ?? String(event.position) });
    }
    for (const some of chunks([...rows.values()])) await this.store(sql, some);
  }

  /** The rows of the questions that the batch continues. */
  private async stored(sql: Sql, events: readonly RecordedEvent[]): Promise<Map<string, Row>> {
    const ids = new Set(events.map(({ stream }) => stream.slice(interactionStreams.length)));
    const rows = await sql.query<Row>('SELECT doc, place FROM interactions WHERE id = ANY ($1::uuid[])', [
      arrayOf([...ids]),
    ]);
    return new Map(rows.map((row) => [`${interactionStreams}${row.doc.id}`, row]));
  }

  private async store(sql: Sql, rows: readonly Row[]): Promise<void> {
    const columns = ['id', 'project_id', 'user_id', 'session_id', 'kind', 'status', 'expires_at'] as const;
    await sql.query(
      `INSERT INTO interactions (${columns.join(', ')}, place, doc)
       SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::text[], $6::text[],
         $7::timestamptz[], $8::bigint[], $9::json[])
       ON CONFLICT (id) DO UPDATE SET status = excluded.status, doc = excluded.doc`,
      [
        ...columns.map((column) => arrayOf(rows.map(({ doc }) => doc[column]))),
        arrayOf(rows.map(({ place }) => place)),
        jsonArray(rows.map(({ doc }) => JSON.stringify(doc))),
      ],
    );
  }
}

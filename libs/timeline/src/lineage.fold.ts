import type { RecordedEvent } from '#eventsourcing';
import { arrayOf } from '#postgres';
import type { Sql } from '#read-models';
import type { SessionCreated } from '#sessions';
import { sessionIdOf } from './timeline-event.js';

/** A fork shows what the feed of the owner itself holds, up to a number. */
interface Shared {
  readonly session_id: string;
  readonly owner_id: string;
  readonly through_seq: number;
}

/** Keeps whose events a fork shows before its own: its source's, and those that its source shows in turn. */
export class LineageFold {
  static readonly tables = `
    CREATE TABLE lineage (
      session_id uuid NOT NULL,
      owner_id uuid NOT NULL,
      through_seq bigint NOT NULL,
      PRIMARY KEY (session_id, owner_id)
    );`;

  constructor(private readonly sql: Sql) {}

  async apply(events: readonly RecordedEvent[]): Promise<void> {
    const births = events.filter(isFork);
    if (births.length === 0) return;
    const lines = await this.known(births.map(({ data }) => data.forked_from.session_id));
    const added: Shared[] = [];
    for (const { stream, data } of births) {
      const session_id = sessionIdOf(stream) ?? '';
      const { session_id: owner_id, sequence_number: through } = data.forked_from;
      const own = { session_id, owner_id, through_seq: through };
      const before = (lines.get(owner_id) ?? []).map((shared) => ({ ...shared, session_id }));
      // Nothing of the source itself is shown when the point lies in what it shares.
      const reached = before.some(({ through_seq }) => through_seq >= through);
      const line = before.map((shared) => ({
        ...shared,
        through_seq: Math.min(shared.through_seq, through),
      }));
      if (!reached) line.push(own);
      lines.set(session_id, line);
      added.push(...line);
    }
    await this.sql.query(
      'INSERT INTO lineage SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[])',
      (['session_id', 'owner_id', 'through_seq'] as const).map((name) =>
        arrayOf(added.map((shared) => shared[name])),
      ),
    );
  }

  private async known(ids: readonly string[]): Promise<Map<string, Shared[]>> {
    const rows = await this.sql.query<Shared>(
      'SELECT session_id, owner_id, through_seq::double precision FROM lineage WHERE session_id = ANY ($1::uuid[])',
      [arrayOf([...new Set(ids)])],
    );
    const lines = new Map<string, Shared[]>();
    for (const row of rows) lines.set(row.session_id, [...(lines.get(row.session_id) ?? []), row]);
    return lines;
  }
}

type Birth = RecordedEvent & { data: { forked_from: NonNullable<SessionCreated['data']['forked_from']> } };

const isFork = (event: RecordedEvent): event is Birth =>
  event.type === 'SessionCreated' && (event.data as SessionCreated['data']).forked_from !== undefined;

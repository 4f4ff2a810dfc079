import type { Fact, RecordedEvent } from '#eventsourcing';
import { arrayOf, jsonArray } from '#postgres';
import type { Sql } from '#read-models';
import { chunks, Projection } from '#read-models';
import { mountDecider, type MountState } from './mount.decider.js';
import { type MountFact, mountStreams } from './mount.events.js';

/** One row per mount. */
export class MountsProjection extends Projection {
  readonly name = 'mounts';
  readonly version = 1;
  readonly prefixes = [mountStreams];

  readonly tables = `
    CREATE TABLE mounts (
      id uuid PRIMARY KEY,
      session_id uuid NOT NULL,
      slug text COLLATE "C" NOT NULL,
      archived boolean NOT NULL,
      doc json NOT NULL
    );`;

  readonly indexes = `
    CREATE INDEX mounts_session ON mounts (session_id, archived, id);
    CREATE INDEX mounts_any ON mounts (session_id, id);
    CREATE INDEX mounts_slug ON mounts (session_id, slug, id);`;

  async apply(sql: Sql, events: readonly RecordedEvent[]): Promise<void> {
    const ids = new Set(events.map(({ stream }) => stream.slice(mountStreams.length)));
    const stored = await sql.query<{ doc: MountState }>(
      'SELECT doc FROM mounts WHERE id = ANY ($1::uuid[])',
      [arrayOf([...ids])],
    );
    const rows = new Map(stored.map(({ doc }) => [`${mountStreams}${doc.id}`, doc]));
    for (const event of events) {
      const mount = mountDecider.evolve(rows.get(event.stream), event as Fact as MountFact, event);
      if (mount !== undefined) rows.set(event.stream, mount);
    }
    for (const some of chunks([...rows.values()])) await this.store(sql, some);
  }

  private async store(sql: Sql, rows: readonly MountState[]): Promise<void> {
    await sql.query(
      `INSERT INTO mounts (id, session_id, slug, archived, doc)
       SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::boolean[],
         $5::json[])
       ON CONFLICT (id) DO UPDATE SET archived = excluded.archived, doc = excluded.doc`,
      [
        ...(['id', 'session_id', 'slug'] as const).map((column) => arrayOf(rows.map((row) => row[column]))),
        arrayOf(rows.map(({ archived_at }) => archived_at !== null)),
        jsonArray(rows.map((mount) => JSON.stringify(mount))),
      ],
    );
  }
}

import type { RecordedEvent } from '#eventsourcing';
import { arrayOf } from '#postgres';
import type { Sql } from '#read-models';
import type { SegmentsPurged, TranscriptForked } from './transcript.events.js';

/** Id of the session or run whose transcript an event is of. */
export const idOf = ({ stream }: RecordedEvent): string => stream.slice(stream.indexOf('-') + 1);

/** Keeps whose segments the transcripts of forks show beside their own, as long as they do. */
export class LineageFold {
  static readonly tables = `
    CREATE TABLE lineage (
      transcript_id uuid NOT NULL,
      owner_id uuid NOT NULL,
      after_seq bigint NOT NULL,
      through_seq bigint NOT NULL,
      since timestamptz NOT NULL,
      PRIMARY KEY (transcript_id, through_seq)
    );`;
  static readonly indexes = 'CREATE INDEX lineage_owner ON lineage (owner_id, through_seq);';

  constructor(private readonly sql: Sql) {}

  /** A fork shows what is removed from it as it shows its own: what stays of it is a row of its own. */
  async apply(
    forked: readonly RecordedEvent<TranscriptForked>[],
    removed: readonly RecordedEvent<SegmentsPurged>[],
  ): Promise<void> {
    await Promise.all([
      ...(forked.length > 0 ? [this.begin(forked)] : []),
      ...(removed.length > 0 ? [this.letGo(removed)] : []),
    ]);
  }

  private async begin(forked: readonly RecordedEvent<TranscriptForked>[]): Promise<void> {
    const ranges = forked.flatMap((event) =>
      event.data.shared.map((range) => ({ ...range, id: idOf(event), at: event.metadata.at })),
    );
    await Promise.all([
      this.sql.query(
        `INSERT INTO lineage
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::timestamptz[])`,
        (['id', 'owner', 'after_seq', 'through_seq', 'at'] as const).map((name) =>
          arrayOf(ranges.map((range) => range[name])),
        ),
      ),
      // What looks at all transcripts finds those by these that have no segment of their own.
      this.sql.query(
        'INSERT INTO totals SELECT id, 0 FROM unnest($1::uuid[]) AS f(id) ON CONFLICT DO NOTHING',
        [arrayOf(forked.map(idOf))],
      ),
    ]);
  }

  private async letGo(removed: readonly RecordedEvent<SegmentsPurged>[]): Promise<void> {
    const through = new Map<string, number>();
    for (const event of removed) {
      through.set(idOf(event), event.data.first_seq + event.data.segments.length - 1);
    }
    const rows = 'unnest($1::uuid[], $2::bigint[]) AS r(id, through)';
    const values = [arrayOf([...through.keys()]), arrayOf([...through.values()])];
    await Promise.all([
      this.sql.query(
        `DELETE FROM lineage l USING ${rows} WHERE l.transcript_id = r.id AND l.through_seq <= r.through`,
        values,
      ),
      this.sql.query(
        `UPDATE lineage l SET after_seq = r.through FROM ${rows}
         WHERE l.transcript_id = r.id AND l.after_seq < r.through`,
        values,
      ),
    ]);
  }
}

import type { LogAppended, LogStream } from './log.events.js';
import { logStreamOf, logStreams } from './log.events.js';
import type { RecordedEvent } from '#eventsourcing';
import { arrayOf, jsonLines } from '#postgres';
import type { Sql } from '#read-models';
import { Projection } from '#read-models';

interface RunTotals {
  lastSeq: number;
  entries: number;
  bytes: number;
  spanMs: number;
}

const streamPrefix = logStreamOf('');

/** The bits of `chunks.streams`. */
export const streamBits = (streams: Iterable<LogStream>): number => {
  let bits = 0;
  for (const stream of streams) bits |= 1 << logStreams.indexOf(stream);
  return bits;
};

/**
 * The lines of the runs, a row per event. `entries` is the JSON text of the lines, which is searched and
 * parsed by the reader: as `text` it is not parsed by Postgres as well. `runs.max_span` is how much time
 * the widest chunk covers: no chunk that reaches into a time range starts earlier than that before it.
 */
export class LogProjection extends Projection {
  readonly name = 'logs';
  readonly version = 1;
  readonly prefixes = [streamPrefix];

  readonly tables = `
    CREATE TABLE chunks (
      run_id uuid NOT NULL,
      first_seq bigint NOT NULL,
      last_seq bigint NOT NULL,
      from_ts timestamptz NOT NULL,
      to_ts timestamptz NOT NULL,
      streams smallint NOT NULL,
      levels text[] COLLATE "C" NOT NULL,
      entries text COLLATE "C" NOT NULL,
      PRIMARY KEY (run_id, first_seq)
    );
    CREATE TABLE runs (
      run_id uuid PRIMARY KEY,
      last_seq bigint NOT NULL,
      entries bigint NOT NULL,
      bytes bigint NOT NULL,
      max_span interval NOT NULL
    );
    DO $$ BEGIN
      ALTER TABLE chunks ALTER COLUMN entries SET COMPRESSION lz4;
    EXCEPTION WHEN feature_not_supported THEN NULL;
    END $$;`;

  readonly indexes = 'CREATE INDEX chunks_time ON chunks (run_id, from_ts);';

  async apply(sql: Sql, events: readonly RecordedEvent[]): Promise<void> {
    const chunks = new ChunkColumns();
    const runs = new Map<string, RunTotals>();
    for (const event of events) {
      if (event.type !== 'LogAppended') continue;
      const runId = event.stream.slice(streamPrefix.length);
      const { data } = event as RecordedEvent<LogAppended>;
      const entries = JSON.stringify(data.entries);
      const lastSeq = chunks.add(runId, data, entries);
      const run = runs.get(runId) ?? { lastSeq: 0, entries: 0, bytes: 0, spanMs: 0 };
      run.lastSeq = lastSeq;
      run.entries += data.entries.length;
      run.bytes += Buffer.byteLength(entries);
      run.spanMs = Math.max(run.spanMs, Date.parse(data.to) - Date.parse(data.from));
      runs.set(runId, run);
    }
    if (runs.size === 0) return;
    await sql.query(
      `INSERT INTO chunks
       SELECT run_id, first_seq, last_seq, from_ts, to_ts, streams, string_to_array(levels, ','), entries
       FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::timestamptz[], $5::timestamptz[], $6::smallint[],
         $7::text[], string_to_array($8, E'\\n'))
         AS c(run_id, first_seq, last_seq, from_ts, to_ts, streams, levels, entries)`,
      chunks.values(),
    );
    const totals = [...runs.values()];
    await sql.query(
      `INSERT INTO runs
       SELECT run_id, last_seq, entries, bytes, span_ms * interval '1 millisecond'
       FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::double precision[])
         AS r(run_id, last_seq, entries, bytes, span_ms)
       ON CONFLICT (run_id) DO UPDATE SET last_seq = excluded.last_seq,
         entries = runs.entries + excluded.entries, bytes = runs.bytes + excluded.bytes,
         max_span = greatest(runs.max_span, excluded.max_span)`,
      [
        arrayOf([...runs.keys()]),
        ...(['lastSeq', 'entries', 'bytes', 'spanMs'] as const).map((column) =>
          arrayOf(totals.map((total) => total[column])),
        ),
      ],
    );
  }
}

/** The columns of new chunks, side by side as `unnest` takes them. */
class ChunkColumns {
  private readonly runIds: string[] = [];
  private readonly firstSeqs: number[] = [];
  private readonly lastSeqs: number[] = [];
  private readonly froms: string[] = [];
  private readonly tos: string[] = [];
  private readonly streams: number[] = [];
  private readonly levels: string[] = [];
  private readonly entries: string[] = [];

  /** Answers the `seq` of the last line. */
  add(runId: string, data: LogAppended['data'], entries: string): number {
    const lastSeq = data.first_seq + data.entries.length - 1;
    const streams = new Set<LogStream>();
    const levels = new Set<string>();
    for (const line of data.entries) {
      streams.add(line.stream);
      if (line.level !== undefined) levels.add(line.level);
    }
    this.runIds.push(runId);
    this.firstSeqs.push(data.first_seq);
    this.lastSeqs.push(lastSeq);
    this.froms.push(data.from);
    this.tos.push(data.to);
    this.streams.push(streamBits(streams));
    this.levels.push([...levels].sort().join(','));
    this.entries.push(entries);
    return lastSeq;
  }

  values(): unknown[] {
    const { runIds, firstSeqs, lastSeqs, froms, tos, streams, levels, entries } = this;
    return [...[runIds, firstSeqs, lastSeqs, froms, tos, streams, levels].map(arrayOf), jsonLines(entries)];
  }
}

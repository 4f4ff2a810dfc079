import type { LogAppended, LogFact, LogPurged, LogStream } from './log.events.js';
import { logStreamOf, logStreams } from './log.events.js';
import type { Fact, RecordedEvent } from '#eventsourcing';
import { arrayOf, jsonArray, textArray } from '#postgres';
import type { Sql } from '#read-models';
import { Projection } from '#read-models';

interface RunTotals {
  lastSeq: number;
  bytes: number;
  spanMs: number;
  /** When the first of its chunks here was written, or the earlier time that its newest line names. */
  oldest: string;
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
 * It is made of milliseconds in both places: the difference of two times has days, which are stored apart from hours.
 * `dated` is from when the age of a chunk counts: its latest `ts`, or its append where that was earlier.
 * Figures of a run are of the chunks that are there, so that a rebuild without the purged ones finds the same.
 */
export class LogProjection extends Projection {
  readonly name = 'logs';
  readonly version = 3;
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
      dated timestamptz NOT NULL,
      revision bigint NOT NULL,
      entries text COLLATE "C" NOT NULL,
      PRIMARY KEY (run_id, first_seq)
    );
    CREATE TABLE runs (
      run_id uuid PRIMARY KEY,
      last_seq bigint NOT NULL,
      bytes bigint NOT NULL,
      max_span interval NOT NULL,
      oldest timestamptz,
      purged_seq bigint NOT NULL DEFAULT 0,
      purged json
    );
    DO $$ BEGIN
      ALTER TABLE chunks ALTER COLUMN entries SET COMPRESSION lz4;
    EXCEPTION WHEN feature_not_supported THEN NULL;
    END $$;`;

  readonly indexes = 'CREATE INDEX chunks_time ON chunks (run_id, from_ts);';

  async apply(sql: Sql, events: readonly RecordedEvent[]): Promise<void> {
    const chunks = new ChunkColumns();
    const runs = new Map<string, RunTotals>();
    const purged = new Map<string, LogPurged['data']>();
    for (const event of events) {
      const fact = event as Fact as LogFact;
      const runId = event.stream.slice(streamPrefix.length);
      if (fact.type === 'LogPurged') {
        purged.set(runId, fact.data);
        continue;
      }
      const { data } = fact;
      const entries = JSON.stringify(data.entries);
      const dated = data.to < event.metadata.at ? data.to : event.metadata.at;
      const lastSeq = chunks.add(runId, data, entries, dated, event.revision);
      const run = runs.get(runId) ?? { lastSeq: 0, bytes: 0, spanMs: 0, oldest: dated };
      run.lastSeq = lastSeq;
      run.bytes += Buffer.byteLength(entries);
      run.spanMs = Math.max(run.spanMs, Date.parse(data.to) - Date.parse(data.from));
      runs.set(runId, run);
    }
    if (runs.size > 0) await this.store(sql, chunks, runs);
    if (purged.size > 0) await this.purge(sql, purged);
  }

  private async store(sql: Sql, chunks: ChunkColumns, runs: ReadonlyMap<string, RunTotals>): Promise<void> {
    const totals = [...runs.values()];
    const stored = sql.query(
      `INSERT INTO chunks
       SELECT run_id, first_seq, last_seq, from_ts, to_ts, streams, string_to_array(levels, ','), dated, revision,
         entries
       FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::timestamptz[], $5::timestamptz[], $6::smallint[],
         $7::text[], $8::timestamptz[], $9::bigint[], $10::text[])
         AS c(run_id, first_seq, last_seq, from_ts, to_ts, streams, levels, dated, revision, entries)`,
      chunks.values(),
    );
    const counted = sql.query(
      `INSERT INTO runs (run_id, last_seq, bytes, max_span, oldest)
       SELECT run_id, last_seq, bytes, span_ms * interval '1 millisecond', oldest
       FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::double precision[], $5::timestamptz[])
         AS r(run_id, last_seq, bytes, span_ms, oldest)
       ON CONFLICT (run_id) DO UPDATE SET last_seq = excluded.last_seq, bytes = runs.bytes + excluded.bytes,
         max_span = greatest(runs.max_span, excluded.max_span), oldest = coalesce(runs.oldest, excluded.oldest)`,
      [
        arrayOf([...runs.keys()]),
        ...(['lastSeq', 'bytes', 'spanMs', 'oldest'] as const).map((column) =>
          arrayOf(totals.map((total) => total[column])),
        ),
      ],
    );
    await Promise.all([stored, counted]);
  }

  /** Of several purges of a run the last one tells all. */
  private async purge(sql: Sql, purged: ReadonlyMap<string, LogPurged['data']>): Promise<void> {
    const ids = arrayOf([...purged.keys()]);
    const through = arrayOf([...purged.values()].map(({ through_seq }) => through_seq));
    const facts = [...purged.values()].map(({ producers: _producers, ...fact }) => JSON.stringify(fact));
    const removed = sql.query(
      `DELETE FROM chunks c USING unnest($1::uuid[], $2::bigint[]) AS p(run_id, through_seq)
       WHERE c.run_id = p.run_id AND c.last_seq <= p.through_seq`,
      [ids, through],
    );
    const counted = sql.query(
      `INSERT INTO runs
       SELECT p.run_id, greatest(p.through_seq, l.last_seq), l.bytes, l.max_span, l.oldest, p.through_seq, p.fact
       FROM unnest($1::uuid[], $2::bigint[], $3::json[]) AS p(run_id, through_seq, fact)
       CROSS JOIN LATERAL (
         SELECT max(c.last_seq) AS last_seq, coalesce(sum(octet_length(c.entries)), 0) AS bytes,
           coalesce(max(extract(epoch FROM c.to_ts - c.from_ts)) * 1000, 0) * interval '1 millisecond' AS max_span,
           (array_agg(c.dated ORDER BY c.first_seq))[1] AS oldest
         FROM chunks c WHERE c.run_id = p.run_id) l
       ON CONFLICT (run_id) DO UPDATE SET last_seq = excluded.last_seq, bytes = excluded.bytes,
         max_span = excluded.max_span, oldest = excluded.oldest, purged_seq = excluded.purged_seq,
         purged = excluded.purged`,
      [ids, through, jsonArray(facts)],
    );
    await Promise.all([removed, counted]);
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
  private readonly dated: string[] = [];
  private readonly revisions: number[] = [];
  private readonly entries: string[] = [];

  /** Answers the `seq` of the last line. */
  add(runId: string, data: LogAppended['data'], entries: string, dated: string, revision: number): number {
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
    this.dated.push(dated);
    this.revisions.push(revision);
    this.entries.push(entries);
    return lastSeq;
  }

  values(): unknown[] {
    const { runIds, firstSeqs, lastSeqs, froms, tos, streams, levels, dated, revisions, entries } = this;
    const columns = [runIds, firstSeqs, lastSeqs, froms, tos, streams, levels, dated, revisions];
    return [...columns.map(arrayOf), textArray(entries)];
  }
}

import type { Fact, RecordedEvent } from '#eventsourcing';
import { arrayOf, jsonArray } from '#postgres';
import type { Sql } from '#read-models';
import { chunks, Projection, wellFormed } from '#read-models';
import type { ProcessFact } from '#processes';
import { countedProcess, noProcesses } from '#sessions/projections';
import type { RunRow } from './run.resource.js';
import { foldRun } from './run.decider.js';
import type { RunFact } from './run.events.js';

/** Streams of processes; each event of those that are counted names its run. */
const processes = 'process-';

/**
 * One row per run: the run as the API shows it in `doc`, and beside it the columns that lists are
 * filtered by. Ids are version 7 UUIDs, so that the order of ids is the order of creation, and every
 * index ends with the id: one index serves filter, order and cursor together.
 */
export class RunsProjection extends Projection {
  readonly name = 'runs';
  readonly version = 4;
  readonly prefixes = ['run-', processes];

  readonly tables = `
    CREATE TABLE runs (
      id uuid PRIMARY KEY,
      project_id text COLLATE "C" NOT NULL,
      user_id uuid NOT NULL,
      task_id uuid NOT NULL,
      job_id uuid,
      session_id uuid,
      parent_run_id uuid,
      root_run_id uuid NOT NULL,
      status text COLLATE "C" NOT NULL,
      kind text COLLATE "C" NOT NULL,
      source text COLLATE "C",
      started_at timestamptz,
      ended_at timestamptz,
      doc json NOT NULL,
      lease_expires_at timestamptz
    ) WITH (fillfactor = 80);

    -- One row per run and scalar of its metadata, so that metadata.<key>=<value> is an index range too.
    CREATE TABLE metadata (
      run_id uuid NOT NULL,
      project_id text COLLATE "C" NOT NULL,
      key text COLLATE "C" NOT NULL,
      value text COLLATE "C" NOT NULL,
      PRIMARY KEY (run_id, key)
    );`;

  /** Those that take longest first, for two are made at a time. */
  readonly indexes = `
    CREATE INDEX metadata_value ON metadata (project_id, key, value, run_id);
    CREATE INDEX runs_project ON runs (project_id, id);
    CREATE INDEX runs_user ON runs (project_id, user_id, id);
    CREATE INDEX runs_status ON runs (project_id, status, id);
    CREATE INDEX runs_kind ON runs (project_id, kind, id);
    CREATE INDEX runs_source ON runs (project_id, source, id) WHERE source IS NOT NULL;
    CREATE INDEX runs_task ON runs (task_id, id);
    CREATE INDEX runs_job ON runs (job_id, id) WHERE job_id IS NOT NULL;
    CREATE INDEX runs_session ON runs (session_id, id) WHERE session_id IS NOT NULL;
    CREATE INDEX runs_session_status ON runs (session_id, status, id) WHERE session_id IS NOT NULL;
    CREATE INDEX runs_parent ON runs (parent_run_id, id) WHERE parent_run_id IS NOT NULL;
    CREATE INDEX runs_root ON runs (root_run_id, id);
    CREATE INDEX runs_started ON runs (project_id, started_at) WHERE started_at IS NOT NULL;
    CREATE INDEX runs_ended ON runs (project_id, ended_at) WHERE ended_at IS NOT NULL;
    CREATE INDEX runs_pending ON runs (id) WHERE status = 'pending';
    CREATE INDEX runs_lease ON runs (lease_expires_at) WHERE lease_expires_at IS NOT NULL;`;

  async apply(sql: Sql, events: readonly RecordedEvent[]): Promise<void> {
    const before = await this.stored(sql, events);
    const after = new Map<string, RunRow>();
    for (const event of events) {
      const id = runOf(event);
      if (id === undefined) continue;
      const known = after.get(id) ?? before.get(id);
      const run = folded(known, event);
      if (run !== undefined && run !== known) after.set(id, run);
    }
    const runs = [...after.values()];
    if (runs.length === 0) return;
    const changed = runs.filter((run) => !sameMetadata(run, before.get(run.id)));
    const stored = Array.from(chunks(runs), (some) => this.store(sql, some));
    await Promise.all([...stored, this.storeMetadata(sql, changed, before)]);
  }

  /** The rows of the runs that the batch continues. */
  private async stored(sql: Sql, events: readonly RecordedEvent[]): Promise<Map<string, RunRow>> {
    const born = new Set(events.filter(({ type }) => type === 'RunCreated').map(runOf));
    const ids = new Set(events.map(runOf).filter((id) => id !== undefined && !born.has(id)));
    if (ids.size === 0) return new Map();
    const rows = await sql.query<{ doc: RunRow }>('SELECT doc FROM runs WHERE id = ANY ($1::uuid[])', [
      arrayOf([...ids]),
    ]);
    return new Map(rows.map(({ doc }) => [doc.id, doc]));
  }

  private async store(sql: Sql, runs: readonly RunRow[]): Promise<void> {
    const columns = [
      'id',
      'project_id',
      'user_id',
      'task_id',
      'job_id',
      'session_id',
      'parent_run_id',
      'root_run_id',
      'status',
      'kind',
      'source',
      'started_at',
      'ended_at',
    ] as const;
    await sql.query(
      `INSERT INTO runs (${columns.join(', ')}, doc, lease_expires_at)
       SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[],
         $8::uuid[], $9::text[], $10::text[], $11::text[], $12::timestamptz[], $13::timestamptz[],
         $14::json[], $15::timestamptz[])
       ON CONFLICT (id) DO UPDATE SET status = excluded.status, started_at = excluded.started_at,
         ended_at = excluded.ended_at, doc = excluded.doc, lease_expires_at = excluded.lease_expires_at`,
      [
        ...columns.map((column) => arrayOf(runs.map((run) => run[column]))),
        jsonArray(runs.map((run) => JSON.stringify(run))),
        arrayOf(runs.map((run) => (run.status === 'running' ? run.lease?.expires_at : undefined))),
      ],
    );
  }

  private async storeMetadata(
    sql: Sql,
    runs: readonly RunRow[],
    before: ReadonlyMap<string, RunRow>,
  ): Promise<void> {
    const known = runs.filter(({ id }) => before.has(id)).map(({ id }) => id);
    if (known.length > 0) {
      await sql.query('DELETE FROM metadata WHERE run_id = ANY ($1::uuid[])', [arrayOf(known)]);
    }
    const rows = runs.flatMap((run) =>
      [...searchable(run.metadata)].map(([key, value]) => [run.id, run.project_id, key, value] as const),
    );
    if (rows.length === 0) return;
    await sql.query(
      `INSERT INTO metadata (run_id, project_id, key, value)
       SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[])`,
      ([0, 1, 2, 3] as const).map((n) => arrayOf(rows.map((row) => row[n]))),
    );
  }
}

/** The run that an event speaks of: its own stream's, or the one that its process belongs to. */
const runOf = ({ stream, data }: RecordedEvent): string | undefined =>
  stream.startsWith(processes) ? (data as { run_id?: string }).run_id : stream.slice('run-'.length);

function folded(run: RunRow | undefined, event: RecordedEvent): RunRow | undefined {
  if (!event.stream.startsWith(processes)) return foldRun(run, event as Fact as RunFact, event);
  const counts = run?.process_counts ?? noProcesses;
  return run && { ...run, process_counts: countedProcess(counts, event as Fact as ProcessFact) };
}

/** Longest metadata key and value that can be searched for, in bytes; an index row has its limits. */
export const searchableBytes = 1_000;

/** The part of the metadata that a list can be filtered by: its scalars, as text. */
export function searchable(metadata: RunRow['metadata']): Map<string, string> {
  const texts = Object.entries(metadata)
    .filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value))
    .map(([key, value]) => [wellFormed(key), wellFormed(String(value as string | number | boolean))] as const)
    .filter((pair) => pair.every((text) => Buffer.byteLength(text) <= searchableBytes));
  return new Map(texts);
}

const sameMetadata = (a: RunRow, b: RunRow | undefined): boolean =>
  b === undefined
    ? Object.keys(a.metadata).length === 0
    : JSON.stringify(a.metadata) === JSON.stringify(b.metadata);

import type { Fact, RecordedEvent } from '#eventsourcing';
import { arrayOf, jsonArray } from '#postgres';
import type { Sql } from '#read-models';
import { chunks, Projection } from '#read-models';
import { hasEnded, processDecider, type ProcessState, storedBytes } from './process.decider.js';
import type { ProcessFact } from './process.events.js';
import { isGone, sandboxDecider, type SandboxState } from './sandbox.decider.js';
import type { SandboxFact } from './sandbox.events.js';

const sandboxes = 'sandbox-';
const processes = 'process-';

/**
 * One row per process, as its stream tells it, and one per sandbox, for those who look after what is left.
 * `output_seq` numbers the processes of a run that have left output, by their ends; `output_bytes` is what is
 * there of it now.
 */
export class ProcessesProjection extends Projection {
  readonly name = 'processes';
  readonly version = 2;
  readonly prefixes = [sandboxes, processes];

  readonly tables = `
    CREATE TABLE sandboxes (
      id uuid PRIMARY KEY,
      project_id text COLLATE "C" NOT NULL,
      host_id text COLLATE "C",
      created_at timestamptz NOT NULL,
      gone boolean NOT NULL,
      reason text COLLATE "C",
      doc json NOT NULL
    );
    CREATE TABLE processes (
      id uuid PRIMARY KEY,
      sandbox_id uuid NOT NULL,
      run_id uuid NOT NULL,
      status text COLLATE "C" NOT NULL,
      live boolean NOT NULL,
      ended_at timestamptz,
      output_seq bigint,
      output_bytes bigint NOT NULL,
      doc json NOT NULL
    );
    CREATE TABLE outputs (
      run_id uuid PRIMARY KEY,
      last_seq bigint NOT NULL
    );`;

  readonly indexes = `
    CREATE INDEX sandboxes_open ON sandboxes (id) WHERE NOT gone;
    CREATE INDEX sandboxes_abandoned ON sandboxes (id) WHERE NOT gone OR reason = 'host_lost';
    CREATE INDEX processes_run ON processes (run_id, id);
    CREATE INDEX processes_run_status ON processes (run_id, status, id);
    CREATE INDEX processes_output ON processes (run_id, output_seq) WHERE output_seq IS NOT NULL;
    CREATE INDEX processes_live ON processes (sandbox_id) WHERE live;`;

  async apply(sql: Sql, events: readonly RecordedEvent[]): Promise<void> {
    await Promise.all([this.applySandboxes(sql, events), this.applyProcesses(sql, events)]);
  }

  private async applySandboxes(sql: Sql, events: readonly RecordedEvent[]): Promise<void> {
    const own = events.filter(({ stream }) => stream.startsWith(sandboxes));
    const docs = await stored<SandboxState>(sql, 'sandboxes', own);
    for (const event of own) {
      const id = idOf(event);
      const state = sandboxDecider.evolve(docs.get(id), event as Fact as SandboxFact, event);
      if (state !== undefined) docs.set(id, state);
    }
    for (const rows of chunks([...docs.values()])) {
      await sql.query(
        `INSERT INTO sandboxes SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[],
           $5::boolean[], $6::text[], $7::json[])
         ON CONFLICT (id) DO UPDATE SET host_id = excluded.host_id, gone = excluded.gone,
           reason = excluded.reason, doc = excluded.doc`,
        [
          arrayOf(rows.map(({ sandbox_id }) => sandbox_id)),
          arrayOf(rows.map(({ project_id }) => project_id)),
          arrayOf(rows.map(({ host_id }) => host_id)),
          arrayOf(rows.map(({ created_at }) => created_at)),
          arrayOf(rows.map(isGone)),
          arrayOf(rows.map(({ reason }) => reason)),
          jsonArray(rows.map((row) => JSON.stringify(row))),
        ],
      );
    }
  }

  private async applyProcesses(sql: Sql, events: readonly RecordedEvent[]): Promise<void> {
    const own = events.filter(({ stream }) => stream.startsWith(processes));
    const docs = await stored<ProcessState>(sql, 'processes', own);
    const ended: ProcessState[] = [];
    for (const event of own) {
      const id = idOf(event);
      const state = processDecider.evolve(docs.get(id), event as Fact as ProcessFact, event);
      if (state === undefined) continue;
      docs.set(id, state);
      if (event.type === 'ProcessEnded' && storedBytes(state) > 0) ended.push(state);
    }
    const numbers = await numbered(sql, ended);
    for (const rows of chunks([...docs.values()])) {
      await sql.query(
        `INSERT INTO processes SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[],
           $5::boolean[], $6::timestamptz[], $7::bigint[], $8::bigint[], $9::json[])
         ON CONFLICT (id) DO UPDATE SET status = excluded.status, live = excluded.live, doc = excluded.doc,
           ended_at = excluded.ended_at, output_seq = coalesce(processes.output_seq, excluded.output_seq), output_bytes = excluded.output_bytes`,
        [
          arrayOf(rows.map(({ process_id }) => process_id)),
          arrayOf(rows.map(({ sandbox_id }) => sandbox_id)),
          arrayOf(rows.map(({ run_id }) => run_id)),
          arrayOf(rows.map(({ status }) => status)),
          arrayOf(rows.map((process) => !hasEnded(process))),
          arrayOf(rows.map(({ ended_at }) => ended_at)),
          arrayOf(rows.map(({ process_id }) => numbers.get(process_id) ?? null)),
          arrayOf(rows.map(storedBytes)),
          jsonArray(rows.map((row) => JSON.stringify(row))),
        ],
      );
    }
  }
}

/** Numbers that have not been given yet, by process. @param ended in the order of their ends */
async function numbered(sql: Sql, ended: readonly ProcessState[]): Promise<Map<string, number>> {
  const runs = new Map<string, string[]>();
  for (const { run_id, process_id } of ended) runs.set(run_id, [...(runs.get(run_id) ?? []), process_id]);
  if (runs.size === 0) return new Map();
  const rows = await sql.query<{ run_id: string; last_seq: string }>(
    `INSERT INTO outputs SELECT * FROM unnest($1::uuid[], $2::bigint[])
     ON CONFLICT (run_id) DO UPDATE SET last_seq = outputs.last_seq + excluded.last_seq
     RETURNING run_id, last_seq`,
    [arrayOf([...runs.keys()]), arrayOf([...runs.values()].map(({ length }) => length))],
  );
  return new Map(
    rows.flatMap(({ run_id, last_seq }) => {
      const ids = runs.get(run_id) ?? [];
      return ids.map((id, n): [string, number] => [id, Number(last_seq) - ids.length + 1 + n]);
    }),
  );
}

const idOf = ({ stream }: RecordedEvent): string => stream.slice(stream.indexOf('-') + 1);

/** The rows that the events continue, by id. */
async function stored<Doc>(
  sql: Sql,
  table: 'sandboxes' | 'processes',
  events: readonly RecordedEvent[],
): Promise<Map<string, Doc>> {
  const ids = [...new Set(events.map(idOf))];
  if (ids.length === 0) return new Map();
  const rows = await sql.query<{ id: string; doc: Doc }>(
    `SELECT id, doc FROM ${table} WHERE id = ANY ($1::uuid[])`,
    [arrayOf(ids)],
  );
  return new Map(rows.map(({ id, doc }) => [id, doc]));
}

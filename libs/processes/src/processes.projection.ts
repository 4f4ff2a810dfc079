import type { Fact, RecordedEvent } from '#eventsourcing';
import { arrayOf, jsonLines } from '#postgres';
import type { Sql } from '#read-models';
import { chunks, Projection } from '#read-models';
import { hasEnded, processDecider, type ProcessState } from './process.decider.js';
import type { ProcessFact } from './process.events.js';
import { isGone, sandboxDecider, type SandboxState } from './sandbox.decider.js';
import type { SandboxFact } from './sandbox.events.js';

const sandboxes = 'sandbox-';
const processes = 'process-';

/** One row per process, as its stream tells it, and one per sandbox, for those who look after what is left. */
export class ProcessesProjection extends Projection {
  readonly name = 'processes';
  readonly version = 1;
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
      doc json NOT NULL
    );`;

  readonly indexes = `
    CREATE INDEX sandboxes_open ON sandboxes (id) WHERE NOT gone;
    CREATE INDEX sandboxes_abandoned ON sandboxes (id) WHERE NOT gone OR reason = 'host_lost';
    CREATE INDEX processes_run ON processes (run_id, id);
    CREATE INDEX processes_run_status ON processes (run_id, status, id);
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
           $5::boolean[], $6::text[], string_to_array($7, E'\\n')::json[])
         ON CONFLICT (id) DO UPDATE SET host_id = excluded.host_id, gone = excluded.gone,
           reason = excluded.reason, doc = excluded.doc`,
        [
          arrayOf(rows.map(({ sandbox_id }) => sandbox_id)),
          arrayOf(rows.map(({ project_id }) => project_id)),
          arrayOf(rows.map(({ host_id }) => host_id)),
          arrayOf(rows.map(({ created_at }) => created_at)),
          arrayOf(rows.map(isGone)),
          arrayOf(rows.map(({ reason }) => reason)),
          jsonLines(rows.map((row) => JSON.stringify(row))),
        ],
      );
    }
  }

  private async applyProcesses(sql: Sql, events: readonly RecordedEvent[]): Promise<void> {
    const own = events.filter(({ stream }) => stream.startsWith(processes));
    const docs = await stored<ProcessState>(sql, 'processes', own);
    for (const event of own) {
      const id = idOf(event);
      const state = processDecider.evolve(docs.get(id), event as Fact as ProcessFact, event);
      if (state !== undefined) docs.set(id, state);
    }
    for (const rows of chunks([...docs.values()])) {
      await sql.query(
        `INSERT INTO processes SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[],
           $5::boolean[], string_to_array($6, E'\\n')::json[])
         ON CONFLICT (id) DO UPDATE SET status = excluded.status, live = excluded.live, doc = excluded.doc`,
        [
          arrayOf(rows.map(({ process_id }) => process_id)),
          arrayOf(rows.map(({ sandbox_id }) => sandbox_id)),
          arrayOf(rows.map(({ run_id }) => run_id)),
          arrayOf(rows.map(({ status }) => status)),
          arrayOf(rows.map((process) => !hasEnded(process))),
          jsonLines(rows.map((row) => JSON.stringify(row))),
        ],
      );
    }
  }
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

import type { Principal } from '#eventsourcing';
import { type Database, keysetPage, wellFormedJson } from '#read-models';
import { runsKeyset } from './list-runs.js';
import type { PendingRun } from './pending-runs.js';
import { ListRunsQuery } from './run.bodies.js';
import type { RunState } from './run.decider.js';
import type { RunFilter } from './run.filter.js';

const pageSize = 1_000;
const doc = wellFormedJson('r.doc');
/** A run without its input and output, which may be large. */
const columns = `r.id, r.project_id, r.user_id, r.task_id, r.job_id, r.session_id, r.parent_run_id, r.root_run_id,
  r.kind, r.source, r.status, ${doc}->>'started_at' AS started_at, ${doc}->>'ended_at' AS ended_at,
  ${doc}->'metadata' AS metadata, ${doc}->'behind' AS behind`;

/** A page of pending runs. $1 is the id of the one before. */
export const pendingSql = `SELECT ${columns} FROM runs.runs r WHERE r.status = 'pending' AND r.id > $1
  ORDER BY r.id LIMIT ${pageSize}`;

/** All pending runs of the read model, page by page, the oldest first. */
export async function* storedPending(database: Database): AsyncGenerator<PendingRun[]> {
  let after = '00000000-0000-0000-0000-000000000000';
  for (;;) {
    const runs = await database.prepared<PendingRun>('pending-runs', pendingSql, [after]);
    yield runs;
    after = runs.at(-1)?.id ?? after;
    if (runs.length < pageSize) return;
  }
}

/** The pending runs of the read model that a claim wants, one by one, the oldest first. */
export async function* storedWanted(
  database: Database,
  filter: RunFilter,
  principal: Principal,
): AsyncGenerator<PendingRun> {
  const query = Object.assign(new ListRunsQuery(), filter, { status: ['pending'], order: 'asc', limit: 100 });
  let after: string | undefined;
  for (;;) {
    const { large: _unread, ...keyset } = runsKeyset(query, principal, after);
    const { rows, more } = await keysetPage<PendingRun>(database, { ...keyset, columns });
    yield* rows;
    if (!more) return;
    after = rows.at(-1)?.id;
  }
}

/** What is kept of a pending run while it waits to be claimed. */
export const pendingOf = (run: RunState): PendingRun => ({
  id: run.id,
  project_id: run.project_id,
  user_id: run.user_id,
  task_id: run.task_id,
  job_id: run.job_id,
  session_id: run.session_id,
  parent_run_id: run.parent_run_id,
  root_run_id: run.root_run_id,
  kind: run.kind,
  source: run.source,
  status: run.status,
  started_at: run.started_at,
  ended_at: run.ended_at,
  metadata: run.metadata,
  behind: run.behind,
});

import { type Database, present, serves } from '#read-models';
import { ProcessesProjection } from './processes.projection.js';

/** How many sandboxes are looked after at once. */
const most = 1_000;

export interface OpenSandbox {
  readonly id: string;
  readonly project_id: string;
  readonly host_id: string | null;
  readonly created_at: Date;
}

/** The sandboxes that are not over as far as the read model knows, the oldest first. */
export const openSandboxes = (database: Database): Promise<OpenSandbox[]> =>
  database.prepared<OpenSandbox>(
    'open-sandboxes',
    `SELECT id, project_id, host_id, created_at FROM processes.sandboxes WHERE NOT gone ORDER BY id LIMIT ${most}`,
    [],
  );

/** The processes of a sandbox that have not ended as far as the read model knows. */
export async function liveProcessesOf(database: Database, sandboxId: string): Promise<string[]> {
  const rows = await database.prepared<{ id: string }>(
    'live-processes',
    'SELECT id FROM processes.processes WHERE sandbox_id = $1 AND live',
    [sandboxId],
  );
  return rows.map(({ id }) => id);
}

/**
 * The newest sandboxes whose hosts have died: what is left of them, on whatever machine, is nobody's any more.
 * None while the read model is not built.
 */
export async function abandonedSandboxes(database: Database): Promise<string[]> {
  if (!(await serves(database, new ProcessesProjection()))) return [];
  const rows = await database.query<{ id: string; host_id: string }>(
    `SELECT id, host_id FROM processes.sandboxes WHERE host_id IS NOT NULL
     AND (NOT gone OR reason = 'host_lost') ORDER BY id DESC LIMIT ${most}`,
  );
  const alive = await present(database, [...new Set(rows.map(({ host_id }) => host_id))]);
  return rows.filter(({ host_id }) => !alive.has(host_id)).map(({ id }) => id);
}

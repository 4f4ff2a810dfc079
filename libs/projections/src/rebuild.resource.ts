import { ApiSchema } from '@nestjs/swagger';
import type { RebuildState } from './rebuild.decider.js';

class ComparedTableResource {
  table: string;
  /** Of the table that serves. */
  rows: number;
  /** Rows that stand on one side alone; a row that differs counts on both. */
  differences: number;
  /** The keys of up to five of them. */
  examples: string[];
}

/** A rebuild of a read model, or its comparison with what serves. */
@ApiSchema({ name: 'Rebuild' })
export class RebuildResource {
  id: string;
  projection: string;
  version: number;
  mode: 'rebuild' | 'verify';
  /** `requested`: the leader of the projection has not taken it up yet. */
  state: 'requested' | 'building' | 'completed' | 'failed' | 'abandoned';
  events_done: number;
  /** About how many there are; more may come while it runs. */
  events_total: number;
  events_per_second: number;
  requested_at: string;
  requested_by: string;
  ended_at: string | null;
  /** Why it failed. */
  reason: string | null;
  /** Of `verify`: true when not a single row differs. */
  identical: boolean | null;
  /** Of `verify`: what was found, table by table. */
  tables: ComparedTableResource[] | null;
}

/** How far a build has come. */
export interface Progress {
  readonly done: number;
  readonly total: number;
  readonly seconds: number;
}

export function rebuildResource(rebuild: RebuildState, progress: Progress | undefined): RebuildResource {
  const { rebuild_id: id, project: _, result, state, ...told } = rebuild;
  const seconds = result === null ? (progress?.seconds ?? 0) : result.milliseconds / 1_000;
  const done = result?.events ?? progress?.done ?? 0;
  const tables = result?.tables?.map((table) => ({ ...table, examples: [...table.examples] })) ?? null;
  return {
    id,
    ...told,
    state: state === 'requested' && progress !== undefined ? 'building' : state,
    events_done: done,
    events_total: result?.events ?? Math.max(done, progress?.total ?? 0),
    events_per_second: seconds > 0 ? Math.round(done / seconds) : 0,
    identical: tables === null ? null : tables.every(({ differences }) => differences === 0),
    tables,
  };
}

@ApiSchema({ name: 'RebuildList' })
export class RebuildListResource {
  data: RebuildResource[];
}

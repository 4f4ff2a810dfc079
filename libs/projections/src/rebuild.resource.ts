import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import { OperationResource } from '#http';
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

class RebuildResultResource {
  events: number;
  /** Of a comparison: true when not a single row differs. */
  identical?: boolean;
  /** Of a comparison: what was found, table by table. */
  tables?: ComparedTableResource[];
}

/** A rebuild of a read model, or its comparison with what serves. Its progress counts events. */
@ApiSchema({ name: 'Rebuild' })
export class RebuildResource extends OperationResource {
  @ApiProperty({ enum: ['projection_rebuild', 'projection_verify'] })
  declare kind: 'projection_rebuild' | 'projection_verify';
  declare result: RebuildResultResource | null;
  projection: string;
  version: number;
  events_per_second: number;
  /** Principal id. */
  requested_by: string;
}

@ApiSchema({ name: 'RebuildList' })
export class RebuildListResource {
  data: RebuildResource[];
}

/** How many events a build has folded, of about how many, in how many seconds. */
export interface Progress {
  readonly done: number;
  readonly total: number;
  readonly seconds: number;
}

export function rebuildResource(rebuild: RebuildState, { done, total, seconds }: Progress): RebuildResource {
  const { rebuild_id: id, projection, version, mode, requested_at, requested_by, ended_at } = rebuild;
  return {
    id,
    kind: `projection_${mode}`,
    status: statusOf(rebuild),
    progress: { done, total: Math.max(done, total) },
    result: resultOf(rebuild),
    error: rebuild.state === 'abandoned' ? 'abandoned' : rebuild.reason,
    projection,
    version,
    events_per_second: seconds > 0 ? Math.round(done / seconds) : 0,
    requested_by,
    created_at: requested_at,
    ended_at,
  };
}

function statusOf({ state }: RebuildState): RebuildResource['status'] {
  if (state === 'requested') return 'running';
  return state === 'completed' ? 'succeeded' : 'failed';
}

function resultOf({ result }: RebuildState): RebuildResultResource | null {
  if (result === null) return null;
  const { events, tables } = result;
  if (tables === undefined) return { events };
  const identical = tables.every(({ differences }) => differences === 0);
  return { events, identical, tables: tables.map((table) => ({ ...table, examples: [...table.examples] })) };
}

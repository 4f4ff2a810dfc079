import { type IQueryHandler, Query, QueryHandler } from '@nestjs/cqrs';
import { Streams } from '#eventsourcing';
import { keysOf, page, type Page, type RequestContext, waitFor } from '#http';
import { Database, type Keyset, keysetPage, ReadModelClock, Where } from '#read-models';
import { findRun } from '#runs';
import type { ListProcessesQuery } from './process.bodies.js';
import type { ProcessState } from './process.decider.js';
import type { ProcessResource } from './process.resource.js';
import { ShownProcesses } from './shown-processes.js';

export class ListProcesses extends Query<Page<ProcessResource>> {
  constructor(
    readonly runId: string,
    readonly query: ListProcessesQuery,
    readonly ctx: RequestContext,
  ) {
    super();
  }
}

/** @throws RuleViolation not_found; ProblemError invalid_cursor, projection_lagging */
@QueryHandler(ListProcesses)
export class ListProcessesHandler implements IQueryHandler<ListProcesses> {
  constructor(
    private readonly database: Database,
    private readonly streams: Streams,
    private readonly clock: ReadModelClock,
    private readonly shown: ShownProcesses,
  ) {}

  async execute({ runId, query, ctx }: ListProcesses): Promise<Page<ProcessResource>> {
    const after = query.cursor == null ? undefined : String(keysOf(ctx, query.cursor, ['uuid'])[0]);
    await findRun(this.streams, ctx.principal, runId);
    await waitFor(this.clock, ctx, 'processes');
    const keyset = processesKeyset(runId, query, after);
    const { rows, more } = await keysetPage<{ doc: ProcessState }>(this.database, keyset);
    const last = rows.at(-1)?.doc.process_id;
    const data = await Promise.all(rows.map(({ doc }) => this.shown.of(doc)));
    return page(ctx, data, more && last !== undefined ? [last] : undefined);
  }
}

/** @param after id of the last process that the client has seen */
export function processesKeyset(
  runId: string,
  { status, order = 'desc', limit }: ListProcessesQuery,
  after: string | undefined,
): Keyset {
  const where = new Where().and('run_id = ?', runId);
  if (after !== undefined) where.and(`id ${order === 'desc' ? '<' : '>'} ?::uuid`, after);
  const tables = 'processes.processes';
  const statuses = status && [...new Set(status)];
  const from = statuses?.map((one) => ({ tables, only: `status = ${where.value(one)}` }));
  return { columns: 'doc', from: from ?? [{ tables }], key: 'id', where, order, limit };
}

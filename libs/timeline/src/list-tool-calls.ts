import { Injectable } from '@nestjs/common';
import type { JsonObject } from '#eventsourcing';
import { keysOf, page, type Page, PageQuery, type RequestContext } from '#http';
import { Database } from '#read-models';
import { type ToolCall, toolCall } from './tool-calls.fold.js';

export class ListToolCallsQuery extends PageQuery {}

/** Reads the tool calls of a run, the newest first. */
@Injectable()
export class ToolCalls {
  constructor(private readonly database: Database) {}

  /** @throws ProblemError invalid_cursor */
  async list(
    runId: string,
    { limit, cursor, order = 'desc' }: ListToolCallsQuery,
    ctx: RequestContext,
  ): Promise<Page<Omit<ToolCall, 'run_id'>>> {
    const up = order === 'asc';
    const from =
      cursor === undefined ? (up ? 0 : Number.MAX_SAFE_INTEGER) : Number(keysOf(ctx, cursor, ['integer'])[0]);
    const rows = await this.database.prepared<{ seq: string; doc: JsonObject }>(
      `tool-calls-${order}`,
      `SELECT seq, doc FROM timeline.tool_calls WHERE run_id = $1 AND seq ${up ? '>' : '<'} $2
       ORDER BY seq ${order} LIMIT $3`,
      [runId, from, limit + 1],
    );
    const shown = rows.slice(0, limit);
    const last = rows.length > limit ? shown.at(-1) : undefined;
    return page(
      ctx,
      shown.map(({ doc }) => toolCall(doc)),
      last && [Number(last.seq)],
    );
  }
}

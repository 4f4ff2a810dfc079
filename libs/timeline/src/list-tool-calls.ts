import { Injectable } from '@nestjs/common';
import type { JsonObject } from '#eventsourcing';
import { keysOf, page, type Page, PageQuery, type RequestContext } from '#http';
import { Database, keysetPage, Where } from '#read-models';
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
    const where = new Where().and('run_id = ?', runId);
    if (cursor !== undefined) {
      where.and(`seq ${order === 'asc' ? '>' : '<'} ?`, keysOf(ctx, cursor, ['integer'])[0]);
    }
    const { rows, more } = await keysetPage<{ doc: JsonObject }>(this.database, {
      ...{ columns: 'doc', large: 'doc', from: [{ tables: 'timeline.tool_calls' }], key: 'seq' },
      ...{ where, order, limit, steady: true },
    });
    const last = more ? rows.at(-1) : undefined;
    return page(
      ctx,
      rows.map(({ doc }) => toolCall(doc)),
      last && [Number(last.page_key)],
    );
  }
}

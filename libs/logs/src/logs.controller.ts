import { Controller, Get, Post } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import {
  ApiBody,
  ApiCreatedResponse,
  ApiHeaders,
  ApiOkResponse,
  ApiProduces,
  ApiTags,
} from '@nestjs/swagger';
import { Allow, readers, writers } from '#access';
import {
  Accepts,
  ApiPage,
  changed,
  Creates,
  Ctx,
  PathId,
  RequestContext,
  ValidQuery,
  wantsEventStream,
} from '#http';
import { LeaseId } from '#runs';
import { appendOf } from './append-log.js';
import { AppendLogQuery, ListLogsQuery } from './log.bodies.js';
import type { Placed } from './log.decider.js';
import { FollowLog } from './follow-log.js';
import { ListLogs, type ListedLogs } from './list-logs.js';
import { linesText, mediaTypeOf } from './log-media.js';
import { AppendedLogResource, AppendLogBody, LogEntryResource } from './log.resource.js';
import { producerHeaders } from './producer-headers.js';

const headers = {
  'Next-Cursor': {
    description: 'Of NDJSON and plain text; absent behind the last page.',
    schema: { type: 'string' },
  },
} as const;

@ApiTags('logs')
@Controller('v1/runs/:id/logs')
export class LogsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
    private readonly log: FollowLog,
  ) {}

  /** Appends entries: a JSON object with `entries`, NDJSON with one a line, or plain text with one message a line. */
  @Post()
  @Allow(...writers)
  @Creates()
  @Accepts('application/json', 'application/x-ndjson', 'text/plain')
  @ApiBody({ type: AppendLogBody })
  @ApiHeaders(producerHeaders)
  @ApiCreatedResponse({ type: AppendedLogResource })
  @ApiOkResponse({ description: 'What this producer has sent before.', type: AppendedLogResource })
  async append(
    @PathId() id: string,
    @ValidQuery() query: AppendLogQuery,
    @LeaseId() leaseId: string | undefined,
    @Ctx() ctx: RequestContext,
  ): Promise<Placed & { count: number }> {
    const command = appendOf(ctx.request, query, id, ctx.causation(), leaseId);
    const { placed, duplicate, position } = await this.commands.execute(command);
    const { first_seq, last_seq } = placed;
    changed(ctx, position);
    void ctx.reply.code(duplicate ? 200 : 201);
    return { first_seq, last_seq, count: last_seq - first_seq + 1 };
  }

  /**
   * Lists entries as JSON, NDJSON or plain text by `Accept`; the last two name the next page in `Next-Cursor`.
   * With `Accept: text/event-stream` follows the log until the run has ended.
   */
  @Get()
  @Allow(...readers)
  @ApiPage(LogEntryResource, headers)
  @ApiProduces('application/json', 'application/x-ndjson', 'text/plain', 'text/event-stream')
  async list(
    @PathId() id: string,
    @ValidQuery() query: ListLogsQuery,
    @Ctx() ctx: RequestContext,
  ): Promise<ListedLogs | string | undefined> {
    if (wantsEventStream(ctx)) {
      await this.log.follow(id, query, ctx);
      return undefined;
    }
    const listed = await this.queries.execute(new ListLogs(id, query, ctx));
    const type = mediaTypeOf(ctx.request.headers.accept);
    void ctx.reply.header('vary', 'accept');
    if (type === 'application/json') return listed;
    if (listed.next_cursor !== null) void ctx.reply.header('next-cursor', listed.next_cursor);
    void ctx.reply.header('content-type', `${type}; charset=utf-8`);
    return linesText(type, listed.data);
  }
}

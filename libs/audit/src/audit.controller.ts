import { Controller, Get, type StreamableFile } from '@nestjs/common';
import { ApiOkResponse, ApiProduces, ApiTags } from '@nestjs/swagger';
import { Allow, auditors } from '#access';
import { RuleViolation, Streams } from '#eventsourcing';
import {
  ApiPage,
  ApiPageOfEither,
  Ctx,
  ndjson,
  type Page,
  PathId,
  PathNumber,
  ProblemError,
  RequestContext,
  ValidQuery,
} from '#http';
import { logStreamOf } from '#logs';
import { findRun, runStream } from '#runs';
import { scheduleStream } from '#schedules';
import { sessionDecider, sessionStream } from '#sessions';
import { transcriptStream } from '#transcripts';
import { Accesses } from './accesses.js';
import { AuditEvents } from './audit-events.js';
import { AccessesQuery, AuditEventsQuery, ExportQuery, HistoryQuery } from './audit.bodies.js';
import { AccessResource, AuditKeyResource, ChangeResource, ReceiptResource } from './audit.resource.js';
import { Exports } from './export-audit.js';
import { History } from './history.js';
import { Receipts } from './receipts.js';
import { seesInstance } from './shown.js';
import { Witness } from './witness.js';

const lines = 'application/x-ndjson';

@ApiTags('audit')
@Controller('v1')
export class AuditController {
  constructor(
    private readonly streams: Streams,
    private readonly events: AuditEvents,
    private readonly exports: Exports,
    private readonly receipts: Receipts,
    private readonly history: History,
    private readonly accesses: Accesses,
    private readonly witness: Witness,
  ) {}

  /** The events of the project as they are stored, oldest first, one a line; sealed content stays sealed. */
  @Get('audit/events')
  @Allow(...auditors)
  @ApiProduces(lines)
  @ApiOkResponse({ schema: { type: 'string' } })
  listEvents(@ValidQuery() query: AuditEventsQuery, @Ctx() ctx: RequestContext): Promise<StreamableFile> {
    return ndjson(ctx, this.events.lines(ctx.principal, query));
  }

  /** The lines of an export that can be checked offline: events, checkpoints, and the signed manifest last. */
  @Get('audit/export')
  @Allow(...auditors)
  @ApiProduces(lines)
  @ApiOkResponse({ schema: { type: 'string' } })
  export(@ValidQuery() query: ExportQuery, @Ctx() ctx: RequestContext): Promise<StreamableFile> {
    const { principal } = ctx;
    const { instance = false, from_position = 0 } = query;
    if (instance && !seesInstance(principal)) {
      throw new ProblemError('forbidden', 'Only an admin of the project default may export all projects.');
    }
    const scope = instance ? 'instance' : { project: principal.projectId };
    return ndjson(ctx, this.exports.lines(scope, from_position));
  }

  /** Shows without a server that the event at a position was stored: that content was erased, say, by whom and when. */
  @Get('audit/receipts/:position')
  @Allow(...auditors)
  @ApiOkResponse({ type: ReceiptResource })
  receipt(@PathNumber('position') position: number, @Ctx() ctx: RequestContext): Promise<ReceiptResource> {
    return this.receipts.of(ctx.principal, position);
  }

  /** Who has read what in the project, and who was refused, newest first. */
  @Get('audit/accesses')
  @Allow(...auditors)
  @ApiPage(AccessResource)
  listAccesses(
    @ValidQuery() query: AccessesQuery,
    @Ctx() ctx: RequestContext,
  ): Promise<Page<AccessResource>> {
    return this.accesses.list(ctx, query);
  }

  /** The public keys of all checkpoints and exports of this instance. */
  @Get('audit/keys')
  @Allow(...auditors)
  @ApiPage(AuditKeyResource)
  async keys(): Promise<Page<AuditKeyResource>> {
    return { data: await this.witness.keys(), next_cursor: null };
  }

  /** Who changed the run, its log and its transcript, when and why; or who read it, newest first. */
  @Get('runs/:id/audit')
  @Allow(...auditors)
  @ApiPageOfEither(ChangeResource, AccessResource)
  async ofRun(
    @PathId() id: string,
    @ValidQuery() query: HistoryQuery,
    @Ctx() ctx: RequestContext,
  ): Promise<Page<ChangeResource | AccessResource>> {
    await findRun(this.streams, ctx.principal, id);
    return this.of(id, [runStream(id), logStreamOf(id), transcriptStream(id)], query, ctx);
  }

  /** Who changed the session and its transcript, when and why; or who read it, newest first. Deleted ones too. */
  @Get('sessions/:id/audit')
  @Allow(...auditors)
  @ApiPageOfEither(ChangeResource, AccessResource)
  async ofSession(
    @PathId() id: string,
    @ValidQuery() query: HistoryQuery,
    @Ctx() ctx: RequestContext,
  ): Promise<Page<ChangeResource | AccessResource>> {
    const session = await this.streams.glance(sessionDecider, sessionStream(id));
    if (session?.project_id !== ctx.principal.projectId) {
      throw new RuleViolation('not_found', `there is no session ${id}`);
    }
    return this.of(id, [sessionStream(id), scheduleStream(id), transcriptStream(id)], query, ctx);
  }

  private of(
    id: string,
    streams: readonly string[],
    query: HistoryQuery,
    ctx: RequestContext,
  ): Promise<Page<ChangeResource | AccessResource>> {
    if (query.kind === 'accesses')
      return this.accesses.list(ctx, Object.assign(new AccessesQuery(), query, { resource_id: id }));
    return this.history.list(ctx, streams, query);
  }
}

import { Controller, Get, HttpCode, Post } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiAcceptedResponse, ApiBody, ApiCreatedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { Allow, readers, writers } from '#access';
import { Streams } from '#eventsourcing';
import {
  Accepts,
  ApiPage,
  changed,
  Creates,
  Ctx,
  departure,
  etagged,
  ifMatch,
  made,
  type Page,
  PathId,
  patience,
  RequestContext,
  resource,
  tokened,
  ValidBody,
  ValidQuery,
} from '#http';
import { LeaseId } from '#runs';
import { findProcess } from './find-process.js';
import { GiveInput } from './give-input.js';
import { ListProcesses } from './list-processes.js';
import {
  ListProcessesQuery,
  StartProcessBody,
  StdinQuery,
  TerminateProcessBody,
  WaitQuery,
} from './process.bodies.js';
import { hasEnded, type ProcessState } from './process.decider.js';
import { ProcessResource } from './process.resource.js';
import { ProcessWait } from './process-wait.js';
import { ShownProcesses } from './shown-processes.js';
import { StartProcess } from './start-process.js';
import { TerminateProcess } from './terminate-process.js';

@ApiTags('processes')
@Controller('v1')
export class ProcessesController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
    private readonly streams: Streams,
    private readonly shown: ShownProcesses,
    private readonly waits: ProcessWait,
  ) {}

  /** Starts a process in the run's sandbox, which is opened when there is none. */
  @Post('runs/:id/processes')
  @Allow(...writers)
  @Creates()
  @ApiCreatedResponse({ type: ProcessResource, headers: made })
  async start(
    @PathId() id: string,
    @ValidBody() body: StartProcessBody,
    @LeaseId() leaseId: string | undefined,
    @Ctx() ctx: RequestContext,
  ): Promise<string | undefined> {
    const command = new StartProcess(id, body, ctx.causation(), departure(ctx), leaseId);
    const { process, position } = await this.commands.execute(command);
    changed(ctx, position);
    void ctx.reply.header('location', `/v1/processes/${process.process_id}`);
    return this.answer(process, ctx);
  }

  @Get('runs/:id/processes')
  @Allow(...readers)
  @ApiPage(ProcessResource)
  list(
    @PathId() id: string,
    @ValidQuery() query: ListProcessesQuery,
    @Ctx() ctx: RequestContext,
  ): Promise<Page<ProcessResource>> {
    return this.queries.execute(new ListProcesses(id, query, ctx));
  }

  @Get('processes/:id')
  @Allow(...readers)
  @ApiOkResponse({ type: ProcessResource })
  async get(@PathId() id: string, @Ctx() ctx: RequestContext): Promise<string | undefined> {
    return this.answer(await findProcess(this.streams, ctx.principal, id), ctx);
  }

  /** Sends a signal, and SIGKILL after the grace; asked again for the same, it changes nothing. */
  @Post('processes/:id/terminate')
  @Allow(...writers)
  @HttpCode(202)
  @ApiAcceptedResponse({ type: ProcessResource, headers: etagged })
  async terminate(
    @PathId() id: string,
    @ValidBody() { signal, grace_seconds }: TerminateProcessBody,
    @LeaseId() leaseId: string | undefined,
    @Ctx() ctx: RequestContext,
  ): Promise<string | undefined> {
    const command = new TerminateProcess(
      id,
      signal ?? 'SIGTERM',
      grace_seconds ?? 5,
      ctx.causation(),
      ifMatch(ctx),
      leaseId,
    );
    const { process, position } = await this.commands.execute(command);
    changed(ctx, position);
    return this.answer(process, ctx);
  }

  /** Gives it bytes to read from its standard input, behind those that it was given before. */
  @Post('processes/:id/stdin')
  @Allow(...writers)
  @Creates()
  @HttpCode(204)
  @Accepts('application/octet-stream')
  @ApiBody({ schema: { type: 'string', format: 'binary' } })
  async stdin(
    @PathId() id: string,
    @ValidQuery() { close = false }: StdinQuery,
    @LeaseId() leaseId: string | undefined,
    @Ctx() ctx: RequestContext,
  ): Promise<void> {
    const { body } = ctx.request;
    const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
    changed(ctx, await this.commands.execute(new GiveInput(id, bytes, close, ctx.causation(), leaseId)));
  }

  /** Answers when the process has ended, or with 202 when the time is over. */
  @Get('processes/:id/wait')
  @Allow(...readers)
  @ApiOkResponse({ type: ProcessResource, headers: { ...tokened, ...etagged } })
  @ApiAcceptedResponse({
    description: 'It has not ended yet.',
    type: ProcessResource,
    headers: etagged,
  })
  async wait(
    @PathId() id: string,
    @ValidQuery() { timeout_seconds = 60 }: WaitQuery,
    @Ctx() ctx: RequestContext,
  ): Promise<string | undefined> {
    const found = await findProcess(this.streams, ctx.principal, id);
    const { process, position } = await this.waits.for(found, timeout_seconds * 1_000, patience(ctx));
    if (position !== undefined) changed(ctx, position);
    void ctx.reply.code(hasEnded(process) ? 200 : 202);
    return this.answer(process, ctx);
  }

  private async answer(process: ProcessState, ctx: RequestContext): Promise<string | undefined> {
    return resource(ctx, await this.shown.of(process), process.revision);
  }
}

import { Controller, Delete, Get, HttpCode, Post } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiAcceptedResponse, ApiCreatedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { Allow, readers, writers } from '#access';
import { Streams } from '#eventsourcing';
import {
  changed,
  Creates,
  Ctx,
  departure,
  ifMatch,
  made,
  PathId,
  patience,
  RequestContext,
  resource,
  ValidBody,
  ValidQuery,
} from '#http';
import { findRun, LeaseId } from '#runs';
import { CloseSandbox, shownSandbox } from './close-sandbox.js';
import { OpenSandbox } from './open-sandbox.js';
import { RunSandboxes } from './run-sandboxes.js';
import { CloseSandboxQuery, OpenSandboxBody } from './sandbox.bodies.js';
import { SandboxResource, sandboxResource } from './sandbox.resource.js';

@ApiTags('processes')
@Controller('v1/runs/:id/sandbox')
export class SandboxController {
  constructor(
    private readonly commands: CommandBus,
    private readonly streams: Streams,
    private readonly sandboxes: RunSandboxes,
  ) {}

  /** Opens the run's sandbox on one of the hosts. */
  @Post()
  @Allow(...writers)
  @Creates()
  @ApiCreatedResponse({ type: SandboxResource, headers: made })
  async open(
    @PathId() id: string,
    @ValidBody() body: OpenSandboxBody,
    @LeaseId() leaseId: string | undefined,
    @Ctx() ctx: RequestContext,
  ): Promise<string | undefined> {
    const command = new OpenSandbox(id, body, ctx.causation(), departure(ctx), leaseId);
    const { sandbox, position } = await this.commands.execute(command);
    changed(ctx, position);
    void ctx.reply.header('location', `/v1/runs/${id}/sandbox`);
    return resource(ctx, sandboxResource(sandbox), sandbox.revision);
  }

  /** The run's newest sandbox, closed or not. */
  @Get()
  @Allow(...readers)
  @ApiOkResponse({ type: SandboxResource })
  async get(@PathId() id: string, @Ctx() ctx: RequestContext): Promise<string | undefined> {
    await findRun(this.streams, ctx.principal, id);
    const sandbox = shownSandbox(await this.sandboxes.newest(id), id);
    return resource(ctx, sandboxResource(sandbox), sandbox.revision);
  }

  /** Ends all processes and closes the sandbox; 202 with the sandbox, or 200 once it is closed with `wait=true`. */
  @Delete()
  @Allow(...writers)
  @HttpCode(202)
  @ApiOkResponse({ type: SandboxResource })
  @ApiAcceptedResponse({ type: SandboxResource })
  async close(
    @PathId() id: string,
    @ValidQuery() { wait = false, grace_seconds }: CloseSandboxQuery,
    @LeaseId() leaseId: string | undefined,
    @Ctx() ctx: RequestContext,
  ): Promise<string | undefined> {
    const waiting = wait ? patience(ctx) : undefined;
    const command = new CloseSandbox(id, grace_seconds, waiting, ctx.causation(), ifMatch(ctx), leaseId);
    const { sandbox, position } = await this.commands.execute(command);
    changed(ctx, position);
    void ctx.reply.code(wait && sandbox.status === 'closed' ? 200 : 202);
    return resource(ctx, sandboxResource(sandbox), sandbox.revision);
  }
}

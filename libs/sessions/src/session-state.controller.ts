import { Controller, Get, Put } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { Allow, readers, writers } from '#access';
import { Streams } from '#eventsourcing';
import { changed, Ctx, ifMatch, PathId, RequestContext, resource, ValidBody } from '#http';
import { findSession } from './find-session.js';
import { KeepState, KeepStateBody, KeptStateResource, PointSandboxBody } from './keep-state.js';
import { sessionStateDecider, type StateChange } from './session-state.decider.js';
import { sessionStateStream } from './session-state.events.js';

@ApiTags('sessions')
@Controller('v1/sessions/:id/state')
export class SessionStateController {
  constructor(
    private readonly commands: CommandBus,
    private readonly streams: Streams,
  ) {}

  /** Nulls where nothing was kept yet. */
  @Get()
  @Allow(...readers)
  @ApiOkResponse({ type: KeptStateResource })
  async get(@PathId() id: string, @Ctx() ctx: RequestContext): Promise<string | undefined> {
    await findSession(this.streams, ctx.principal, id);
    const { state, revision } = await this.streams.load(sessionStateDecider, sessionStateStream(id));
    return resource(ctx, state, revision + 1);
  }

  @Put()
  @Allow(...writers)
  @ApiOkResponse({ type: KeptStateResource })
  put(
    @PathId() id: string,
    @ValidBody() body: KeepStateBody,
    @Ctx() ctx: RequestContext,
  ): Promise<string | undefined> {
    return this.keep(id, body, ctx);
  }

  /** Sets or clears the pointer alone. */
  @Put('sandbox')
  @Allow(...writers)
  @ApiOkResponse({ type: KeptStateResource })
  point(
    @PathId() id: string,
    @ValidBody() { sandbox_id }: PointSandboxBody,
    @Ctx() ctx: RequestContext,
  ): Promise<string | undefined> {
    return this.keep(id, { sandbox_id }, ctx);
  }

  private async keep(id: string, change: StateChange, ctx: RequestContext): Promise<string | undefined> {
    const command = new KeepState(id, change, ctx.causation(), ifMatch(ctx));
    const { state, revision, position } = await this.commands.execute(command);
    changed(ctx, position);
    return resource(ctx, state, revision);
  }
}

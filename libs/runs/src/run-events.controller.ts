import { Controller, Post } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiBody, ApiCreatedResponse, ApiTags } from '@nestjs/swagger';
import { Allow, writers } from '#access';
import { Accepts, changed, Creates, Ctx, PathId, RequestContext } from '#http';
import { AppendEvents } from './append-events.js';
import { LeaseId } from './lease-header.js';
import { runEvents } from './run-events.js';
import { AppendEventsBody, AppendedEventsResource } from './run-events.resource.js';

@ApiTags('events')
@Controller('v1/runs/:id/events')
export class RunEventsController {
  constructor(private readonly commands: CommandBus) {}

  /** Appends events to the run's timeline, all or none; one whose `id` the run has seen is skipped. */
  @Post()
  @Allow(...writers)
  @Creates()
  @Accepts('application/json')
  @ApiBody({ type: AppendEventsBody })
  @ApiCreatedResponse({ type: AppendedEventsResource })
  async append(
    @PathId() id: string,
    @LeaseId() leaseId: string | undefined,
    @Ctx() ctx: RequestContext,
  ): Promise<AppendedEventsResource> {
    const command = new AppendEvents(id, runEvents(ctx.request.body), ctx.causation(), leaseId);
    const { position, ...appended } = await this.commands.execute(command);
    changed(ctx, position);
    return appended;
  }
}

import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { Allow, readers } from '#access';
import { Ctx, PathId, ReadModelClock, RequestContext, waitFor } from '#http';
import { Sessions } from '#sessions';
import { LivenessResource } from './timeline.resource.js';
import { WatcherSeats } from './watcher-seats.js';

@ApiTags('sessions')
@Controller('v1/sessions/:id/liveness')
export class LivenessController {
  constructor(
    private readonly sessions: Sessions,
    private readonly seats: WatcherSeats,
    private readonly clock: ReadModelClock,
  ) {}

  @Get()
  @Allow(...readers)
  @ApiOkResponse({ type: LivenessResource })
  async get(@PathId() id: string, @Ctx() ctx: RequestContext): Promise<LivenessResource> {
    await waitFor(this.clock, ctx, 'sessions');
    const { run_counts } = await this.sessions.get(ctx.principal, id);
    const [alive, attached] = [run_counts.running > 0, await this.seats.isTaken(id)];
    return { alive, attached, reattachable: alive && !attached };
  }
}

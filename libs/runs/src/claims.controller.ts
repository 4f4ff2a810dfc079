import { Controller, HttpCode, Post } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { Allow, workers } from '#access';
import { ApiPage, changed, Ctx, departure, type Page, PathId, RequestContext, ValidBody } from '#http';
import { ClaimRunsBody, HeartbeatBody } from './claim.bodies.js';
import { ClaimRuns } from './claim-runs.js';
import { HeartbeatRun } from './heartbeat-run.js';
import { LeaseId } from './lease-header.js';
import { Runs } from './runs.js';
import { ClaimedRun, claimedRun, Heartbeat, shownLease } from './run.resource.js';

@ApiTags('runs')
@Controller('v1/runs')
export class ClaimsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly runs: Runs,
  ) {}

  /** Starts pending runs for a worker, the oldest first; no two workers get the same one. */
  @Post('claim')
  @Allow(...workers)
  @HttpCode(200)
  @ApiPage(ClaimedRun)
  async claim(@ValidBody() body: ClaimRunsBody, @Ctx() ctx: RequestContext): Promise<Page<ClaimedRun>> {
    const claimed = await this.commands.execute(new ClaimRuns(body, ctx.causation(), departure(ctx)));
    const positions = claimed.map(({ position }) => position);
    changed(ctx, positions.sort((a, b) => (a < b ? -1 : 1)).at(-1));
    const data = claimed.map(async ({ run }) =>
      claimedRun(run.attempt === 1 ? run : await this.runs.withCounts(run)),
    );
    return { data: await Promise.all(data), next_cursor: null };
  }

  /** Prolongs the lease of a claimed run by its `lease_seconds`. */
  @Post(':id/heartbeat')
  @Allow(...workers)
  @HttpCode(200)
  @ApiOkResponse({ type: Heartbeat })
  async heartbeat(
    @PathId() id: string,
    @ValidBody() body: HeartbeatBody,
    @LeaseId() fence: string | undefined,
    @Ctx() ctx: RequestContext,
  ): Promise<{ lease: Heartbeat['lease'] | null }> {
    const command = new HeartbeatRun(id, body.lease_id, ctx.causation(), fence);
    const { run, position } = await this.commands.execute(command);
    changed(ctx, position);
    return { lease: shownLease(run) };
  }
}

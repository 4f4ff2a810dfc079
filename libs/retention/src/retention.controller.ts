import { Controller, Get, HttpCode, Post } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiAcceptedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { Allow, auditors, readers } from '#access';
import {
  ApiPage,
  changed,
  Creates,
  Ctx,
  located,
  type Page,
  PathId,
  RequestContext,
  ValidBody,
  ValidQuery,
} from '#http';
import { ExplainRetention } from './explain-retention.js';
import { ListPolicies } from './list-policies.js';
import { PreviewPolicy } from './preview-policy.js';
import { RequestSweep } from './request-sweep.js';
import { ListPoliciesQuery, PreviewRetentionBody } from './retention.bodies.js';
import {
  PolicyResource,
  RemovalResource,
  RetentionResource,
  sweepResource,
  SweepResource,
} from './retention.resource.js';
import { retentionManagers } from './scopes.js';

@ApiTags('retention')
@Controller('v1')
export class RetentionController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
    private readonly policies: ListPolicies,
  ) {}

  /** The policies that hold in the caller's project, by scope: those for all projects, its own, its sessions'. */
  @Get('retention/policies')
  @Allow(...auditors)
  @ApiPage(PolicyResource)
  list(@ValidQuery() query: ListPoliciesQuery, @Ctx() ctx: RequestContext): Promise<Page<PolicyResource>> {
    return this.policies.list(ctx, query);
  }

  /** Tells what a policy would remove in the caller's project now, and changes nothing. */
  @Post('retention/preview')
  @Allow(...auditors)
  @HttpCode(200)
  @ApiOkResponse({ type: RemovalResource })
  preview(@ValidBody() body: PreviewRetentionBody, @Ctx() ctx: RequestContext): Promise<RemovalResource> {
    return this.queries.execute(new PreviewPolicy(body, ctx));
  }

  /** Removes what is due in the caller's project now; one sweep at a time. */
  @Post('retention/apply')
  @Allow(...retentionManagers)
  @Creates()
  @HttpCode(202)
  @ApiAcceptedResponse({ type: SweepResource, headers: located })
  async apply(@Ctx() ctx: RequestContext): Promise<SweepResource> {
    const { sweep, position } = await this.commands.execute(new RequestSweep(ctx.causation()));
    changed(ctx, position);
    void ctx.reply.header('location', `/v1/operations/${sweep.id}`);
    return sweepResource(sweep);
  }

  /** Which rules apply to a run's content, when it expires, and which holds stand in the way. */
  @Get('runs/:id/retention')
  @Allow(...readers)
  @ApiOkResponse({ type: RetentionResource })
  ofRun(@PathId() id: string, @Ctx() ctx: RequestContext): Promise<RetentionResource> {
    return this.queries.execute(new ExplainRetention('run', id, ctx));
  }

  /** The same for a session. */
  @Get('sessions/:id/retention')
  @Allow(...readers)
  @ApiOkResponse({ type: RetentionResource })
  ofSession(@PathId() id: string, @Ctx() ctx: RequestContext): Promise<RetentionResource> {
    return this.queries.execute(new ExplainRetention('session', id, ctx));
  }
}

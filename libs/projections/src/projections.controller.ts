import { Controller, Delete, Get, HttpCode, Param, Post } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiAcceptedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { Allow, auditors } from '#access';
import { changed, Creates, Ctx, ifMatch, located, PathId, RequestContext, resource, ValidBody } from '#http';
import { ProjectionsStatus } from '#read-models';
import { AbandonRebuild } from './abandon-rebuild.js';
import { ProjectionListResource } from './projection.resource.js';
import { RequestRebuildBody } from './rebuild.bodies.js';
import { RebuildListResource, RebuildResource } from './rebuild.resource.js';
import { Rebuilds } from './rebuilds.js';
import { RequestRebuild } from './request-rebuild.js';

const operators = ['operator', 'admin'] as const;

@ApiTags('projections')
@Controller('v1/projections')
export class ProjectionsController {
  constructor(
    private readonly status: ProjectionsStatus,
    private readonly commands: CommandBus,
    private readonly rebuilds: Rebuilds,
  ) {}

  @Get()
  @Allow(...auditors)
  @ApiOkResponse({ type: ProjectionListResource })
  async list(): Promise<ProjectionListResource> {
    return { data: await this.status.all() };
  }

  /** Builds the read model anew beside the one that serves, and cuts over; no read fails meanwhile. */
  @Post(':name/rebuilds')
  @Allow(...operators)
  @Creates()
  @HttpCode(202)
  @ApiAcceptedResponse({ type: RebuildResource, headers: located })
  async request(
    @Param('name') name: string,
    @ValidBody() body: RequestRebuildBody,
    @Ctx() ctx: RequestContext,
  ): Promise<RebuildResource> {
    const { id, position } = await this.commands.execute(new RequestRebuild(name, body, ctx.causation()));
    changed(ctx, position);
    void ctx.reply.header('location', `/v1/operations/${id}`);
    return (await this.rebuilds.get(name, id)).rebuild;
  }

  /** The last hundred, the newest first. */
  @Get(':name/rebuilds')
  @Allow(...auditors)
  @ApiOkResponse({ type: RebuildListResource })
  async listRebuilds(@Param('name') name: string): Promise<RebuildListResource> {
    return { data: await this.rebuilds.list(name) };
  }

  @Get(':name/rebuilds/:id')
  @Allow(...auditors)
  @ApiOkResponse({ type: RebuildResource })
  async get(
    @Param('name') name: string,
    @PathId() id: string,
    @Ctx() ctx: RequestContext,
  ): Promise<string | undefined> {
    const { rebuild, revision } = await this.rebuilds.get(name, id);
    return resource(ctx, rebuild, revision);
  }

  /** Abandons it: what serves goes on serving. */
  @Delete(':name/rebuilds/:id')
  @Allow(...operators)
  @ApiOkResponse({ type: RebuildResource })
  async abandon(
    @Param('name') name: string,
    @PathId() id: string,
    @Ctx() ctx: RequestContext,
  ): Promise<string | undefined> {
    changed(ctx, await this.commands.execute(new AbandonRebuild(name, id, ctx.causation(), ifMatch(ctx))));
    const { rebuild, revision } = await this.rebuilds.get(name, id);
    return resource(ctx, rebuild, revision);
  }
}

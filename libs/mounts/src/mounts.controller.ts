import { Controller, Get, HttpCode, Patch, Post } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiCreatedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { Allow, readers, writers } from '#access';
import { RuleViolation } from '#eventsourcing';
import {
  ApiPage,
  changed,
  Creates,
  Ctx,
  etagged,
  ifMatch,
  made,
  type Page,
  PathId,
  ProblemError,
  RequestContext,
  resource,
  ValidBody,
  ValidQuery,
} from '#http';
import { ChangeMount } from './change-mount.js';
import { CreateMount } from './create-mount.js';
import { CreateMountBody, ListMountsQuery, ListSessionMountsQuery, UpdateMountBody } from './mount.bodies.js';
import { mountResource, MountResource } from './mount.resource.js';
import { type ChangedMount, Mounts } from './mounts.js';

@ApiTags('mounts')
@Controller('v1')
export class MountsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly mounts: Mounts,
  ) {}

  /** Names an area of the session, by a pointer to where it is. */
  @Post('sessions/:id/mounts')
  @Allow(...writers)
  @Creates()
  @ApiCreatedResponse({ type: MountResource, headers: made })
  async create(
    @PathId() id: string,
    @ValidBody() body: CreateMountBody,
    @Ctx() ctx: RequestContext,
  ): Promise<string | undefined> {
    const made = await this.commands.execute(new CreateMount(id, body, ctx.causation()));
    void ctx.reply.header('location', `/v1/mounts/${made.mount?.id ?? ''}`);
    return answer(made, ctx);
  }

  @Get('sessions/:id/mounts')
  @Allow(...readers)
  @ApiPage(MountResource)
  listOfSession(
    @PathId() id: string,
    @ValidQuery() query: ListSessionMountsQuery,
    @Ctx() ctx: RequestContext,
  ): Promise<Page<MountResource>> {
    return this.mounts.list(ctx, id, query);
  }

  /** The same by a parameter; without `session_id` it is 422 `session_id_required`. */
  @Get('mounts')
  @Allow(...readers)
  @ApiPage(MountResource)
  list(@ValidQuery() query: ListMountsQuery, @Ctx() ctx: RequestContext): Promise<Page<MountResource>> {
    if (query.session_id !== undefined) return this.mounts.list(ctx, query.session_id, query);
    const detail = 'session_id must be there: mounts are listed session by session';
    throw new ProblemError('session_id_required', `${detail}.`, {
      errors: [{ parameter: 'session_id', detail }],
    });
  }

  @Get('mounts/:id')
  @Allow(...readers)
  @ApiOkResponse({ type: MountResource })
  async get(@PathId() id: string, @Ctx() ctx: RequestContext): Promise<string | undefined> {
    const mount = await this.mounts.get(ctx.principal, id);
    return resource(ctx, mountResource(mount), mount.revision);
  }

  @Patch('mounts/:id')
  @Allow(...writers)
  @ApiOkResponse({ type: MountResource })
  update(
    @PathId() id: string,
    @ValidBody() body: UpdateMountBody,
    @Ctx() ctx: RequestContext,
  ): Promise<string | undefined> {
    return this.change(id, body, ctx);
  }

  /** Leaves it out of lists; its slug stays its own. */
  @Post('mounts/:id/archive')
  @Allow(...writers)
  @HttpCode(200)
  @ApiOkResponse({ type: MountResource, headers: etagged })
  archive(@PathId() id: string, @Ctx() ctx: RequestContext): Promise<string | undefined> {
    return this.change(id, true, ctx);
  }

  @Post('mounts/:id/unarchive')
  @Allow(...writers)
  @HttpCode(200)
  @ApiOkResponse({ type: MountResource, headers: etagged })
  unarchive(@PathId() id: string, @Ctx() ctx: RequestContext): Promise<string | undefined> {
    return this.change(id, false, ctx);
  }

  private async change(
    id: string,
    change: UpdateMountBody | boolean,
    ctx: RequestContext,
  ): Promise<string | undefined> {
    return answer(
      await this.commands.execute(new ChangeMount(id, change, ctx.causation(), ifMatch(ctx))),
      ctx,
    );
  }
}

function answer({ mount, position }: ChangedMount, ctx: RequestContext): string | undefined {
  if (mount === undefined) throw new RuleViolation('not_found', 'there is no such mount');
  changed(ctx, position);
  return resource(ctx, mountResource(mount), mount.revision);
}

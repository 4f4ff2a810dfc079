import { Controller, Delete, Get, HttpCode, Patch, Post } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { Allow, readers, writers } from '#access';
import {
  ApiPage,
  asOf,
  AsOfQuery,
  changed,
  Creates,
  Ctx,
  ifMatch,
  made,
  type Page,
  PathId,
  ReadModelClock,
  RequestContext,
  resource,
  ValidBody,
  ValidQuery,
  waitFor,
} from '#http';
import { CreateSession } from './create-session.js';
import { DeleteSession } from './delete-session.js';
import { ListSessions } from './list-sessions.js';
import {
  CreateSessionBody,
  CreateSubsessionBody,
  ListSessionsQuery,
  ListSubsessionsQuery,
  UpdateSessionBody,
} from './session.bodies.js';
import { SessionResource } from './session.resource.js';
import { Sessions } from './sessions.js';
import { UpdateSession } from './update-session.js';

@ApiTags('sessions')
@Controller('v1/sessions')
export class SessionsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
    private readonly sessions: Sessions,
    private readonly clock: ReadModelClock,
  ) {}

  @Post()
  @Allow(...writers)
  @Creates()
  @ApiCreatedResponse({ type: SessionResource, headers: made })
  @ApiOkResponse({
    description: 'The session that has this external id already.',
    type: SessionResource,
    headers: made,
  })
  create(@ValidBody() body: CreateSessionBody, @Ctx() ctx: RequestContext): Promise<string | undefined> {
    return this.answerCreated(body, ctx);
  }

  @Get()
  @Allow(...readers)
  @ApiPage(SessionResource)
  list(@ValidQuery() query: ListSessionsQuery, @Ctx() ctx: RequestContext): Promise<Page<SessionResource>> {
    return this.queries.execute(new ListSessions(query, ctx));
  }

  @Get(':id')
  @Allow(...readers)
  @ApiOkResponse({ type: SessionResource })
  async get(
    @PathId() id: string,
    @ValidQuery() query: AsOfQuery,
    @Ctx() ctx: RequestContext,
  ): Promise<string | undefined> {
    const had = asOf(query);
    await waitFor(this.clock, ctx, had === undefined ? 'sessions' : 'timeline');
    const session = await (had === undefined
      ? this.sessions.get(ctx.principal, id)
      : this.sessions.past(ctx.principal, id, had));
    return resource(ctx, session, session.revision);
  }

  @Patch(':id')
  @Allow(...writers)
  @ApiOkResponse({ type: SessionResource })
  async update(
    @PathId() id: string,
    @ValidBody() body: UpdateSessionBody,
    @Ctx() ctx: RequestContext,
  ): Promise<string | undefined> {
    const command = new UpdateSession(id, body, ctx.causation(), ifMatch(ctx));
    const { session, position } = await this.commands.execute(command);
    changed(ctx, position);
    return resource(ctx, await this.sessions.shown(ctx.principal, session), session.revision);
  }

  @Delete(':id')
  @Allow(...writers)
  @HttpCode(204)
  @ApiNoContentResponse()
  async delete(@PathId() id: string, @Ctx() ctx: RequestContext): Promise<void> {
    changed(ctx, await this.commands.execute(new DeleteSession(id, ctx.causation(), ifMatch(ctx))));
  }

  @Get(':id/sessions')
  @Allow(...readers)
  @ApiPage(SessionResource)
  async children(
    @PathId() id: string,
    @ValidQuery() query: ListSubsessionsQuery,
    @Ctx() ctx: RequestContext,
  ): Promise<Page<SessionResource>> {
    await this.sessions.get(ctx.principal, id);
    const all = Object.assign(new ListSessionsQuery(), query, { parent_session_id: id });
    return this.queries.execute(new ListSessions(all, ctx));
  }

  @Post(':id/sessions')
  @Allow(...writers)
  @Creates()
  @ApiCreatedResponse({ type: SessionResource, headers: made })
  @ApiOkResponse({
    description: 'The session that has this external id already.',
    type: SessionResource,
    headers: made,
  })
  async createChild(
    @PathId() id: string,
    @ValidBody() body: CreateSubsessionBody,
    @Ctx() ctx: RequestContext,
  ): Promise<string | undefined> {
    await this.sessions.get(ctx.principal, id);
    return this.answerCreated(Object.assign(body, { parent_session_id: id }), ctx);
  }

  private async answerCreated(body: CreateSessionBody, ctx: RequestContext): Promise<string | undefined> {
    const { session, created, position } = await this.commands.execute(
      new CreateSession(body, ctx.causation()),
    );
    changed(ctx, position);
    void ctx.reply.code(created ? 201 : 200).header('location', `/v1/sessions/${session.id}`);
    const shown = created
      ? await this.sessions.shown(ctx.principal, session, true)
      : await this.sessions.get(ctx.principal, session.id);
    return resource(ctx, shown, shown.revision);
  }
}

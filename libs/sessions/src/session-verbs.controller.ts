import { Controller, Delete, Get, HttpCode, Post, Put } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import {
  ApiAcceptedResponse,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiTags,
} from '@nestjs/swagger';
import { Allow, readers, writers } from '#access';
import {
  changed,
  Creates,
  Ctx,
  etagged,
  ifMatch,
  located,
  made,
  PathId,
  ProblemError,
  ReadModelClock,
  RequestContext,
  resource,
  ValidBody,
  waitFor,
} from '#http';
import { ArchiveSession } from './archive-session.js';
import { CommandSession } from './command-session.js';
import { ForkSession } from './fork-session.js';
import { PinSession } from './pin-session.js';
import { ResumeSession } from './resume-session.js';
import { ResolveSession } from './resolve-session.js';
import { CommandBody, ForkSessionBody, ResolveSessionBody } from './session.bodies.js';
import { ResolvedSessionResource, SessionResource } from './session.resource.js';
import { SessionStats } from './session-stats.js';
import { SessionSummary } from './session-summary.js';
import { Sessions } from './sessions.js';
import { CommandedResource, StatsResource, SummaryResource } from './summary.resource.js';

/** What can be done with sessions beside reading and changing them. */
@ApiTags('sessions')
@Controller('v1/sessions')
export class SessionVerbsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly sessions: Sessions,
    private readonly summaries: SessionSummary,
    private readonly counts: SessionStats,
    private readonly clock: ReadModelClock,
  ) {}

  /**
   * Forks a session (201), or finds one by id, then by alias, or makes one (201); a given alias names it from
   * then on.
   */
  @Post('resolve')
  @Allow(...writers)
  @Creates()
  @ApiOkResponse({ description: 'A session that was there.', type: ResolvedSessionResource })
  @ApiCreatedResponse({ type: ResolvedSessionResource, headers: located })
  async resolve(
    @ValidBody() body: ResolveSessionBody,
    @Ctx() ctx: RequestContext,
  ): Promise<ResolvedSessionResource> {
    const found = await this.commands.execute(new ResolveSession(body, ctx.causation()));
    const { session, resolution, position } = found;
    changed(ctx, position);
    const isNew = resolution === 'created';
    const isMade = isNew || resolution === 'forked';
    void ctx.reply.code(isMade ? 201 : 200);
    if (isMade) void ctx.reply.header('location', `/v1/sessions/${session.id}`);
    const shown =
      resolution === 'forked'
        ? await this.sessions.get(ctx.principal, session.id)
        : await this.sessions.shown(ctx.principal, session, isNew);
    return { session: shown, resolution };
  }

  /** Makes a session that shares the history of this one up to a point, and none of its runs. */
  @Post(':id/fork')
  @Allow(...writers)
  @Creates()
  @ApiCreatedResponse({ type: SessionResource, headers: made })
  async fork(
    @PathId() id: string,
    @ValidBody() body: ForkSessionBody,
    @Ctx() ctx: RequestContext,
  ): Promise<string | undefined> {
    expectOnePoint(body);
    const { session, position } = await this.commands.execute(new ForkSession(id, body, ctx.causation()));
    changed(ctx, position);
    void ctx.reply.code(201).header('location', `/v1/sessions/${session.id}`);
    const shown = await this.sessions.get(ctx.principal, session.id);
    return resource(ctx, shown, shown.revision);
  }

  /** How many sessions the caller may see, archived ones too, by status. */
  @Get('stats')
  @Allow(...readers)
  @ApiOkResponse({ type: StatsResource })
  stats(@Ctx() ctx: RequestContext): Promise<StatsResource> {
    return this.counts.of(ctx);
  }

  @Get(':id/summary')
  @Allow(...readers)
  @ApiOkResponse({ type: SummaryResource })
  async summary(@PathId() id: string, @Ctx() ctx: RequestContext): Promise<SummaryResource> {
    await waitFor(this.clock, ctx, 'sessions');
    return this.summaries.of(ctx.principal, id);
  }

  /** What a user types: `/status` (200, the summary), `/terminate` (202), `/compact` (202: workers are told). */
  @Post(':id/commands')
  @Allow(...writers)
  @ApiOkResponse({ type: SummaryResource })
  @ApiAcceptedResponse({ type: CommandedResource })
  async command(
    @PathId() id: string,
    @ValidBody() { text }: CommandBody,
    @Ctx() ctx: RequestContext,
  ): Promise<SummaryResource | CommandedResource> {
    const verb = text.trim();
    if (verb === '/status') {
      void ctx.reply.code(200);
      return this.summaries.of(ctx.principal, id);
    }
    if (verb !== '/terminate' && verb !== '/compact') {
      await this.sessions.get(ctx.principal, id);
      const detail = 'A session knows /status, /terminate and /compact.';
      throw new ProblemError('unknown_command', detail, { errors: [{ pointer: '/text', detail }] });
    }
    const { answer, position } = await this.commands.execute(new CommandSession(id, verb, ctx.causation()));
    changed(ctx, position);
    void ctx.reply.code(202);
    return answer;
  }

  /** Hides the session from lists; stops nothing. */
  @Post(':id/archive')
  @Allow(...writers)
  @HttpCode(200)
  @ApiOkResponse({ type: SessionResource, headers: etagged })
  archive(@PathId() id: string, @Ctx() ctx: RequestContext): Promise<string | undefined> {
    return this.setArchived(id, true, ctx);
  }

  @Post(':id/unarchive')
  @Allow(...writers)
  @HttpCode(200)
  @ApiOkResponse({ type: SessionResource, headers: etagged })
  unarchive(@PathId() id: string, @Ctx() ctx: RequestContext): Promise<string | undefined> {
    return this.setArchived(id, false, ctx);
  }

  /** Lets a paused session take runs again; what was used until now no longer counts against its budget. */
  @Post(':id/resume')
  @Allow(...writers)
  @HttpCode(200)
  @ApiOkResponse({ type: SessionResource, headers: etagged })
  async resume(@PathId() id: string, @Ctx() ctx: RequestContext): Promise<string | undefined> {
    const command = new ResumeSession(id, ctx.causation(), ifMatch(ctx), ctx.mustReach);
    changed(ctx, await this.commands.execute(command));
    const session = await this.sessions.get(ctx.principal, id);
    return resource(ctx, session, session.revision);
  }

  /** Pins the session for the caller alone. */
  @Put(':id/pin')
  @Allow(...writers)
  @HttpCode(204)
  @ApiNoContentResponse()
  async pin(@PathId() id: string, @Ctx() ctx: RequestContext): Promise<void> {
    changed(ctx, await this.commands.execute(new PinSession(id, true, ctx.causation())));
  }

  @Delete(':id/pin')
  @Allow(...writers)
  @HttpCode(204)
  @ApiNoContentResponse()
  async unpin(@PathId() id: string, @Ctx() ctx: RequestContext): Promise<void> {
    changed(ctx, await this.commands.execute(new PinSession(id, false, ctx.causation())));
  }

  private async setArchived(id: string, archived: boolean, ctx: RequestContext): Promise<string | undefined> {
    const command = new ArchiveSession(id, archived, ctx.causation(), ifMatch(ctx));
    const { session, position } = await this.commands.execute(command);
    changed(ctx, position);
    return resource(ctx, await this.sessions.shown(ctx.principal, session), session.revision);
  }
}

function expectOnePoint({ at_sequence, at_time }: ForkSessionBody): void {
  if (at_sequence == null || at_time == null) return;
  const detail = 'cannot be given together with at_sequence';
  throw new ProblemError('validation_failed', `at_time ${detail}.`, {
    errors: [{ pointer: '/at_time', detail }],
  });
}

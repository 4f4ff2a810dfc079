import { Controller, Get, HttpCode, Post } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiCreatedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { Allow, readers, workers, writers } from '#access';
import { Streams } from '#eventsourcing';
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
  ReadModelClock,
  RequestContext,
  resource,
  ValidBody,
  ValidQuery,
  waitFor,
} from '#http';
import { LeaseId } from '#runs';
import { CancelInteraction } from './cancel-interaction.js';
import { findInteraction } from './find-interaction.js';
import type { ChangedInteraction } from './interaction-changes.js';
import {
  EndInteractionBody,
  ListInteractionsQuery,
  RequestInteractionBody,
  RespondBody,
} from './interaction.bodies.js';
import { interactionResource, InteractionResource } from './interaction.resource.js';
import { ListInteractions } from './list-interactions.js';
import { RequestInteraction } from './request-interaction.js';
import { ResolveInteraction } from './resolve-interaction.js';
import { RespondInteraction } from './respond-interaction.js';

@ApiTags('interactions')
@Controller('v1')
export class InteractionsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
    private readonly streams: Streams,
    private readonly clock: ReadModelClock,
  ) {}

  /** Asks a person or client; a token that the run has used answers 200 with the question that it names. */
  @Post('runs/:id/interactions')
  @Allow(...writers)
  @Creates()
  @ApiCreatedResponse({ type: InteractionResource, headers: made })
  @ApiOkResponse({
    description: 'The question that was asked with this token before.',
    type: InteractionResource,
    headers: made,
  })
  async request(
    @PathId() id: string,
    @ValidBody() body: RequestInteractionBody,
    @LeaseId() leaseId: string | undefined,
    @Ctx() ctx: RequestContext,
  ): Promise<string | undefined> {
    const asked = await this.commands.execute(new RequestInteraction(id, body, ctx.causation(), leaseId));
    void ctx.reply
      .code(asked.changed ? 201 : 200)
      .header('location', `/v1/interactions/${asked.interaction.id}`);
    return answer(asked, ctx);
  }

  @Get('sessions/:id/interactions')
  @Allow(...readers)
  @ApiPage(InteractionResource)
  list(
    @PathId() id: string,
    @ValidQuery() query: ListInteractionsQuery,
    @Ctx() ctx: RequestContext,
  ): Promise<Page<InteractionResource>> {
    return this.queries.execute(new ListInteractions(id, query, ctx));
  }

  @Get('interactions/:id')
  @Allow(...readers)
  @ApiOkResponse({ type: InteractionResource })
  async get(@PathId() id: string, @Ctx() ctx: RequestContext): Promise<string | undefined> {
    // Its stream has every answer; that its run has ended, the policy tells it.
    await waitFor(this.clock, ctx, 'interaction_policy');
    const interaction = await findInteraction(this.streams, ctx.principal, id);
    return resource(ctx, interactionResource(interaction), interaction.revision);
  }

  /** Answers, once: the second answer is 409 `not_pending`. */
  @Post('interactions/:id/respond')
  @Allow(...writers)
  @Creates()
  @HttpCode(200)
  @ApiOkResponse({ type: InteractionResource, headers: etagged })
  async respond(
    @PathId() id: string,
    @ValidBody() body: RespondBody,
    @Ctx() ctx: RequestContext,
  ): Promise<string | undefined> {
    const command = new RespondInteraction(id, body, ctx.causation(), ifMatch(ctx));
    return answer(await this.commands.execute(command), ctx);
  }

  /** Lets the answer take effect; `denied` when who gave it may not give it any more. */
  @Post('interactions/:id/resolve')
  @Allow(...workers)
  @HttpCode(200)
  @ApiOkResponse({ type: InteractionResource, headers: etagged })
  async resolve(
    @PathId() id: string,
    @ValidBody() { reason }: EndInteractionBody,
    @Ctx() ctx: RequestContext,
  ): Promise<string | undefined> {
    const command = new ResolveInteraction(id, reason ?? undefined, ctx.causation(), ifMatch(ctx));
    return answer(await this.commands.execute(command), ctx);
  }

  /** Takes an open question back. */
  @Post('interactions/:id/cancel')
  @Allow(...writers)
  @HttpCode(200)
  @ApiOkResponse({ type: InteractionResource, headers: etagged })
  async cancel(
    @PathId() id: string,
    @ValidBody() { reason }: EndInteractionBody,
    @Ctx() ctx: RequestContext,
  ): Promise<string | undefined> {
    const command = new CancelInteraction(id, reason ?? undefined, ctx.causation(), ifMatch(ctx));
    return answer(await this.commands.execute(command), ctx);
  }
}

function answer({ interaction, position }: ChangedInteraction, ctx: RequestContext): string | undefined {
  changed(ctx, position);
  return resource(ctx, interactionResource(interaction), interaction.revision);
}

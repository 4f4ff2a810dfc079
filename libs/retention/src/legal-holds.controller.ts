import { Controller, Delete, Get, HttpCode, Post } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { Allow, auditors } from '#access';
import {
  ApiPage,
  changed,
  Creates,
  Ctx,
  ifMatch,
  made,
  type Page,
  PathId,
  RequestContext,
  resource,
  ValidBody,
  ValidQuery,
} from '#http';
import { holdRevision, type LegalHold } from './legal-hold.decider.js';
import { ListHolds } from './list-holds.js';
import { PlaceHold } from './place-hold.js';
import { ReleaseHold } from './release-hold.js';
import { ListLegalHoldsQuery, PlaceLegalHoldBody, ReleaseLegalHoldQuery } from './retention.bodies.js';
import { LegalHoldResource } from './retention.resource.js';
import { retentionManagers } from './scopes.js';

@ApiTags('retention')
@Controller('v1/legal-holds')
export class LegalHoldsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly holds: ListHolds,
  ) {}

  /** Keeps what a session, a run or a user has, whatever a policy says; what is there after the answer stays. */
  @Post()
  @Allow(...retentionManagers)
  @Creates()
  @ApiCreatedResponse({ type: LegalHoldResource, headers: made })
  async place(
    @ValidBody() body: PlaceLegalHoldBody,
    @Ctx() ctx: RequestContext,
  ): Promise<string | undefined> {
    const { hold, position } = await this.commands.execute(new PlaceHold(body, ctx.causation()));
    changed(ctx, position);
    void ctx.reply.header('location', `/v1/legal-holds/${hold.id}`);
    return resource(ctx, hold, holdRevision(hold));
  }

  @Get()
  @Allow(...auditors)
  @ApiPage(LegalHoldResource)
  list(@ValidQuery() query: ListLegalHoldsQuery, @Ctx() ctx: RequestContext): Promise<Page<LegalHold>> {
    return this.holds.list(ctx, query);
  }

  /** One hold, with its release once it has been released. */
  @Get(':id')
  @Allow(...auditors)
  @ApiOkResponse({ type: LegalHoldResource })
  async get(@PathId() id: string, @Ctx() ctx: RequestContext): Promise<string | undefined> {
    const hold = await this.holds.get(ctx, id);
    return resource(ctx, hold, holdRevision(hold));
  }

  /** Releases it; the record keeps both. */
  @Delete(':id')
  @Allow(...retentionManagers)
  @HttpCode(204)
  @ApiNoContentResponse()
  async release(
    @PathId() id: string,
    @ValidQuery() { reason }: ReleaseLegalHoldQuery,
    @Ctx() ctx: RequestContext,
  ): Promise<void> {
    changed(ctx, await this.commands.execute(new ReleaseHold(id, reason, ctx.causation(), ifMatch(ctx))));
  }
}

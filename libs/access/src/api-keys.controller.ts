import { Controller, Delete, Get, HttpCode, Post } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiCreatedResponse, ApiOkResponse } from '@nestjs/swagger';
import {
  changed,
  Creates,
  Ctx,
  ifMatch,
  located,
  type Page,
  PathId,
  RequestContext,
  resource,
  ValidBody,
  ValidQuery,
} from '#http';
import { CreateApiKeyBody, ListApiKeysQuery } from './access.bodies.js';
import { ApiKeyListResource, ApiKeyResource, CreatedApiKeyResource } from './access.resources.js';
import { Allow } from './allow.js';
import { ApiKeys } from './api-keys.js';
import { CreateApiKey } from './create-api-key.js';
import { RevokeApiKey } from './revoke-api-key.js';
import { admins } from './roles.js';
import { rememberWithout } from './unremembered.js';

@Controller('v1/api-keys')
export class ApiKeysController {
  constructor(
    private readonly commands: CommandBus,
    private readonly keys: ApiKeys,
  ) {}

  /**
   * Makes a key. The answer shows it, this once. The same request again under its Idempotency-Key
   * makes no second key, and answers without `key`: the service has no copy to show.
   */
  @Post()
  @Allow(...admins)
  @Creates()
  @ApiCreatedResponse({ type: CreatedApiKeyResource, headers: located })
  async create(
    @ValidBody() body: CreateApiKeyBody,
    @Ctx() ctx: RequestContext,
  ): Promise<CreatedApiKeyResource> {
    rememberWithout(ctx, 'key');
    const { apiKey, position } = await this.commands.execute(new CreateApiKey(body, ctx.causation()));
    changed(ctx, position);
    void ctx.reply.header('location', `/v1/api-keys/${apiKey.id}`).header('cache-control', 'no-store');
    return apiKey;
  }

  /** The keys of the projects that the caller answers for, newest first, revoked ones too. */
  @Get()
  @Allow(...admins)
  @ApiOkResponse({ type: ApiKeyListResource })
  list(@ValidQuery() query: ListApiKeysQuery, @Ctx() ctx: RequestContext): Promise<Page<ApiKeyResource>> {
    return this.keys.list(ctx, query);
  }

  /** One key, without the key. */
  @Get(':id')
  @Allow(...admins)
  @ApiOkResponse({ type: ApiKeyResource })
  async get(@PathId() id: string, @Ctx() ctx: RequestContext): Promise<string | undefined> {
    const key = await this.keys.get(ctx, id);
    return resource(ctx, key, key.revision);
  }

  /** Revokes a key for good: within a second it opens nothing any more. Revoking it again changes nothing. */
  @Delete(':id')
  @Allow(...admins)
  @HttpCode(204)
  async revoke(@PathId() id: string, @Ctx() ctx: RequestContext): Promise<void> {
    changed(ctx, await this.commands.execute(new RevokeApiKey(id, ctx.causation(), ifMatch(ctx))));
  }
}

import { Controller, Delete, Get, HttpCode, Patch, Post } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { Allow, auditors, rememberWithout } from '#access';
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
  RequestContext,
  resource,
  ValidBody,
  ValidQuery,
} from '#http';
import { CreateWebhook, type WebhookAndSecret } from './create-webhook.js';
import { DeleteWebhook } from './delete-webhook.js';
import { managers } from './managers.js';
import { RotateWebhookSecret } from './rotate-webhook-secret.js';
import { UpdateWebhook } from './update-webhook.js';
import { CreateWebhookBody, ListWebhooksQuery, UpdateWebhookBody } from './webhook.bodies.js';
import { webhookResource, WebhookResource, WebhookWithSecretResource } from './webhook.resource.js';
import { Webhooks } from './webhooks.js';

@ApiTags('webhooks')
@Controller('v1/webhooks')
export class WebhooksController {
  constructor(
    private readonly commands: CommandBus,
    private readonly webhooks: Webhooks,
  ) {}

  /** Makes a webhook, which gets the events from then on. The answer shows a secret that was minted, this once. */
  @Post()
  @Allow(...managers)
  @Creates()
  @ApiCreatedResponse({ type: WebhookWithSecretResource, headers: made })
  async create(
    @ValidBody() body: CreateWebhookBody,
    @Ctx() ctx: RequestContext,
  ): Promise<string | undefined> {
    const made = await this.commands.execute(new CreateWebhook(body, ctx.causation()));
    void ctx.reply.header('location', `/v1/webhooks/${made.webhook.id}`);
    return withSecret(ctx, made);
  }

  @Get()
  @Allow(...auditors)
  @ApiPage(WebhookResource)
  list(@ValidQuery() query: ListWebhooksQuery, @Ctx() ctx: RequestContext): Promise<Page<WebhookResource>> {
    return this.webhooks.list(ctx, query);
  }

  @Get(':id')
  @Allow(...auditors)
  @ApiOkResponse({ type: WebhookResource })
  async get(@PathId() id: string, @Ctx() ctx: RequestContext): Promise<string | undefined> {
    const webhook = await this.webhooks.get(ctx.principal, id);
    return resource(ctx, webhookResource(webhook), webhook.revision);
  }

  /** Enabling it again takes away what it was disabled for; what happened in between is not sent. */
  @Patch(':id')
  @Allow(...managers)
  @ApiOkResponse({ type: WebhookResource })
  async update(
    @PathId() id: string,
    @ValidBody() body: UpdateWebhookBody,
    @Ctx() ctx: RequestContext,
  ): Promise<string | undefined> {
    const command = new UpdateWebhook(id, body, ctx.causation(), ifMatch(ctx));
    const { webhook, position } = await this.commands.execute(command);
    changed(ctx, position);
    return resource(ctx, webhookResource(webhook), webhook.revision);
  }

  /** Removes it with its secret and its delivery log. */
  @Delete(':id')
  @Allow(...managers)
  @HttpCode(204)
  @ApiNoContentResponse()
  async delete(@PathId() id: string, @Ctx() ctx: RequestContext): Promise<void> {
    changed(ctx, await this.commands.execute(new DeleteWebhook(id, ctx.causation(), ifMatch(ctx))));
  }

  /** Gives it a new secret, which the answer shows, this once. The one before signs too for 24 hours. */
  @Post(':id/rotate-secret')
  @Allow(...managers)
  @Creates()
  @HttpCode(200)
  @ApiOkResponse({ type: WebhookWithSecretResource, headers: etagged })
  async rotateSecret(@PathId() id: string, @Ctx() ctx: RequestContext): Promise<string | undefined> {
    const command = new RotateWebhookSecret(id, ctx.causation(), ifMatch(ctx));
    return withSecret(ctx, await this.commands.execute(command));
  }
}

function withSecret(
  ctx: RequestContext,
  { webhook, secret, position }: WebhookAndSecret,
): string | undefined {
  rememberWithout(ctx, 'secret');
  changed(ctx, position);
  void ctx.reply.header('cache-control', 'no-store');
  return resource(ctx, Object.assign(webhookResource(webhook), { secret }), webhook.revision);
}

import { Controller, Get, HttpCode, Post } from '@nestjs/common';
import { ApiAcceptedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { Allow, auditors } from '#access';
import {
  ApiPage,
  changed,
  Creates,
  Ctx,
  located,
  type Page,
  PathId,
  RequestContext,
  resource,
  ValidQuery,
} from '#http';
import { Deliveries } from './deliveries.js';
import { DeliveryDetailsResource, DeliveryResource } from './delivery.resource.js';
import { managers } from './managers.js';
import { ListDeliveriesQuery } from './webhook.bodies.js';
import { Webhooks } from './webhooks.js';

@ApiTags('webhooks')
@Controller('v1/webhooks/:id')
export class DeliveriesController {
  constructor(
    private readonly webhooks: Webhooks,
    private readonly deliveries: Deliveries,
  ) {}

  /** Sends a `webhook.ping`, whatever the patterns and the filter say. */
  @Post('ping')
  @Allow(...managers)
  @Creates()
  @HttpCode(202)
  @ApiAcceptedResponse({ type: DeliveryResource, headers: located })
  async ping(@PathId() id: string, @Ctx() ctx: RequestContext): Promise<DeliveryResource> {
    const webhook = await this.webhooks.get(ctx.principal, id);
    return accepted(ctx, await this.deliveries.ping(webhook, ctx.causation()));
  }

  /** Newest first; those that succeeded are kept for 7 days, those that failed for 30. */
  @Get('deliveries')
  @Allow(...auditors)
  @ApiPage(DeliveryResource)
  async list(
    @PathId() id: string,
    @ValidQuery() query: ListDeliveriesQuery,
    @Ctx() ctx: RequestContext,
  ): Promise<Page<DeliveryResource>> {
    return this.deliveries.list(ctx, await this.webhooks.get(ctx.principal, id), query);
  }

  @Get('deliveries/:delivery_id')
  @Allow(...auditors)
  @ApiOkResponse({ type: DeliveryDetailsResource })
  async get(
    @PathId() id: string,
    @PathId('delivery_id') deliveryId: string,
    @Ctx() ctx: RequestContext,
  ): Promise<string | undefined> {
    const webhook = await this.webhooks.get(ctx.principal, id);
    const delivery = await this.deliveries.get(webhook, deliveryId);
    return resource(ctx, delivery, delivery.attempt_count);
  }

  /** Sends it once more, under the same `Webhook-Id`, whether it succeeded or failed. */
  @Post('deliveries/:delivery_id/redeliver')
  @Allow(...managers)
  @Creates()
  @HttpCode(202)
  @ApiAcceptedResponse({ type: DeliveryResource, headers: located })
  async redeliver(
    @PathId() id: string,
    @PathId('delivery_id') deliveryId: string,
    @Ctx() ctx: RequestContext,
  ): Promise<DeliveryResource> {
    const webhook = await this.webhooks.get(ctx.principal, id);
    return accepted(ctx, await this.deliveries.redeliver(webhook, deliveryId));
  }
}

function accepted(ctx: RequestContext, delivery: DeliveryResource): DeliveryResource {
  changed(ctx, undefined);
  void ctx.reply.header('location', `/v1/webhooks/${delivery.webhook_id}/deliveries/${delivery.id}`);
  return delivery;
}

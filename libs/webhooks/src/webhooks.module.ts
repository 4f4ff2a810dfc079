import { type DynamicModule, Logger, Module } from '@nestjs/common';
import { Streams } from '#eventsourcing';
import { backoff } from './backoff.js';
import { CreateWebhookHandler } from './create-webhook.js';
import { DeleteWebhookHandler } from './delete-webhook.js';
import { DeliveriesController } from './deliveries.controller.js';
import { Deliveries } from './deliveries.js';
import { DeliveryQueue } from './delivery-queue.js';
import { Poster } from './poster.js';
import { RotateWebhookSecretHandler } from './rotate-webhook-secret.js';
import { UpdateWebhookHandler } from './update-webhook.js';
import { WebhookPolicy } from './webhook.policy.js';
import { WebhookSender } from './webhook-sender.js';
import { WebhookSettings } from './webhook-settings.js';
import { WebhookTargets } from './webhook-targets.js';
import { WebhooksController } from './webhooks.controller.js';
import { Webhooks } from './webhooks.js';

/** Webhooks; the application starts and stops the `WebhookSender` where deliveries are to be sent. */
@Module({})
export class WebhooksModule {
  static with(settings: WebhookSettings): DynamicModule {
    const sender = {
      provide: WebhookSender,
      inject: [DeliveryQueue, WebhookTargets, Streams],
      useFactory: (queue: DeliveryQueue, targets: WebhookTargets, streams: Streams) => {
        const poster = new Poster(settings.allowPrivate);
        return new WebhookSender({ queue, targets, streams, poster, backoff, log: new Logger('Webhooks') });
      },
    };
    return {
      module: WebhooksModule,
      controllers: [WebhooksController, DeliveriesController],
      providers: [
        { provide: WebhookSettings, useValue: settings },
        CreateWebhookHandler,
        UpdateWebhookHandler,
        RotateWebhookSecretHandler,
        DeleteWebhookHandler,
        Deliveries,
        DeliveryQueue,
        WebhookPolicy,
        WebhookTargets,
        Webhooks,
        sender,
      ],
      exports: [WebhookPolicy, WebhookSender],
    };
  }
}

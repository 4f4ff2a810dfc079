import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Causation } from '#eventsourcing';
import { Streams } from '#eventsourcing';
import type { WebhookAndSecret } from './create-webhook.js';
import { hintOf, mintSecret } from './signature.js';
import { rotateSecret, webhookDecider, type WebhookState } from './webhook.decider.js';
import { webhookStream } from './webhook.events.js';
import { WebhookTargets } from './webhook-targets.js';
import { Webhooks } from './webhooks.js';

export class RotateWebhookSecret extends Command<WebhookAndSecret> {
  constructor(
    readonly id: string,
    readonly causation: Causation,
  ) {
    super();
  }
}

/** @throws RuleViolation not_found */
@CommandHandler(RotateWebhookSecret)
export class RotateWebhookSecretHandler implements ICommandHandler<RotateWebhookSecret> {
  constructor(
    private readonly streams: Streams,
    private readonly targets: WebhookTargets,
    private readonly webhooks: Webhooks,
  ) {}

  async execute({ id, causation }: RotateWebhookSecret): Promise<WebhookAndSecret> {
    await this.webhooks.get(causation.principal, id);
    const secret = await this.targets.setSecret(id, mintSecret(), causation.id);
    const { state, position } = await this.streams.execute(
      webhookDecider,
      webhookStream(id),
      causation,
      (webhook) => rotateSecret(webhook, hintOf(secret)),
    );
    return { webhook: state as WebhookState, secret, position };
  }
}

import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Causation } from '#eventsourcing';
import { Streams } from '#eventsourcing';
import { requireRevision } from '#http';
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
    readonly expected: number | undefined,
  ) {
    super();
  }
}

/** @throws RuleViolation not_found, revision_mismatch */
@CommandHandler(RotateWebhookSecret)
export class RotateWebhookSecretHandler implements ICommandHandler<RotateWebhookSecret> {
  constructor(
    private readonly streams: Streams,
    private readonly targets: WebhookTargets,
    private readonly webhooks: Webhooks,
  ) {}

  async execute({ id, causation, expected }: RotateWebhookSecret): Promise<WebhookAndSecret> {
    const { revision } = await this.webhooks.get(causation.principal, id);
    // Before the secret is changed; an earlier attempt of the same command has been let through already.
    if (!causation.recovering) requireRevision(expected, revision);
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

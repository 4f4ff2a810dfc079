import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Causation } from '#eventsourcing';
import { Streams } from '#eventsourcing';
import { deleteWebhook, webhookDecider } from './webhook.decider.js';
import { webhookStream } from './webhook.events.js';
import { Webhooks } from './webhooks.js';

export class DeleteWebhook extends Command<bigint | undefined> {
  constructor(
    readonly id: string,
    readonly causation: Causation,
    readonly expected: number | undefined,
  ) {
    super();
  }
}

/** The policy forgets its secret and its deliveries. @throws RuleViolation not_found, revision_mismatch */
@CommandHandler(DeleteWebhook)
export class DeleteWebhookHandler implements ICommandHandler<DeleteWebhook> {
  constructor(
    private readonly streams: Streams,
    private readonly webhooks: Webhooks,
  ) {}

  async execute({ id, causation, expected }: DeleteWebhook): Promise<bigint | undefined> {
    await this.webhooks.get(causation.principal, id);
    const { position } = await this.streams.execute(webhookDecider, webhookStream(id), causation, (webhook) =>
      deleteWebhook(webhook, expected),
    );
    return position;
  }
}

import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Causation } from '#eventsourcing';
import { Streams } from '#eventsourcing';
import { RecentWrites } from '#read-models';
import { filterOf } from './filter-of.js';
import type { UpdateWebhookBody } from './webhook.bodies.js';
import { changeWebhook, webhookDecider, type WebhookState } from './webhook.decider.js';
import { webhookStream } from './webhook.events.js';
import { WebhookSettings } from './webhook-settings.js';
import { Webhooks } from './webhooks.js';

export class UpdateWebhook extends Command<{ webhook: WebhookState; position: bigint | undefined }> {
  constructor(
    readonly id: string,
    readonly body: UpdateWebhookBody,
    readonly causation: Causation,
    readonly expected: number | undefined,
  ) {
    super();
  }
}

/** @throws RuleViolation not_found, revision_mismatch, ProblemError validation_failed */
@CommandHandler(UpdateWebhook)
export class UpdateWebhookHandler implements ICommandHandler<UpdateWebhook> {
  constructor(
    private readonly streams: Streams,
    private readonly webhooks: Webhooks,
    private readonly settings: WebhookSettings,
    private readonly writes: RecentWrites,
  ) {}

  async execute({ id, body, causation, expected }: UpdateWebhook) {
    await this.webhooks.get(causation.principal, id);
    const { url, description, event_pattern, filter, enabled } = body;
    this.settings.refusePrivate(url);
    const details = {
      ...(url !== undefined && { url }),
      ...(description !== undefined && { description }),
      ...(event_pattern !== undefined && { event_patterns: event_pattern }),
      ...(filter !== undefined && { filter: filterOf(filter) }),
      ...(enabled !== undefined && { enabled }),
    };
    const { state, position } = await this.streams.execute(
      webhookDecider,
      webhookStream(id),
      causation,
      (webhook) => changeWebhook(webhook, details, expected),
    );
    this.writes.wrote(id, position);
    return { webhook: state as WebhookState, position };
  }
}

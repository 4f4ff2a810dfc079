import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Causation } from '#eventsourcing';
import { Streams } from '#eventsourcing';
import { RecentWrites } from '#read-models';
import { filterOf } from './filter-of.js';
import { hintOf, mintSecret } from './signature.js';
import type { CreateWebhookBody } from './webhook.bodies.js';
import { createWebhook, webhookDecider, type WebhookState } from './webhook.decider.js';
import { webhookStream } from './webhook.events.js';
import { WebhookSettings } from './webhook-settings.js';
import { WebhookTargets } from './webhook-targets.js';

export interface WebhookAndSecret {
  readonly webhook: WebhookState;
  /** Undefined when the caller brought it along. */
  readonly secret: string | undefined;
  readonly position: bigint | undefined;
}

export class CreateWebhook extends Command<WebhookAndSecret> {
  constructor(
    readonly body: CreateWebhookBody,
    readonly causation: Causation,
  ) {
    super();
  }
}

/** @throws ProblemError validation_failed */
@CommandHandler(CreateWebhook)
export class CreateWebhookHandler implements ICommandHandler<CreateWebhook> {
  constructor(
    private readonly streams: Streams,
    private readonly targets: WebhookTargets,
    private readonly settings: WebhookSettings,
    private readonly writes: RecentWrites,
  ) {}

  async execute({ body, causation }: CreateWebhook): Promise<WebhookAndSecret> {
    this.settings.refusePrivate(body.url);
    const id = causation.mint();
    const filter = filterOf(body.filter);
    // The secret first: no event may come to be sent while there is nothing to sign it with.
    const secret = await this.targets.setSecret(id, body.secret ?? mintSecret(), causation.id);
    const { state, position } = await this.streams.execute(
      webhookDecider,
      webhookStream(id),
      causation,
      (webhook) =>
        createWebhook(webhook, {
          webhook_id: id,
          project_id: causation.principal.projectId,
          url: body.url,
          ...(body.description != null && { description: body.description }),
          event_patterns: body.event_pattern,
          ...(filter !== null && { filter }),
          enabled: body.enabled,
          secret_hint: hintOf(secret),
        }),
      { minted: true },
    );
    this.writes.wrote(id, position);
    return { webhook: state as WebhookState, secret: body.secret == null ? secret : undefined, position };
  }
}

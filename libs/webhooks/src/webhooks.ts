import { Injectable } from '@nestjs/common';
import { RuleViolation, type Principal, Streams } from '#eventsourcing';
import { keysOf, page, type Page, type RequestContext, waitFor } from '#http';
import { Database, keysetPage, ReadModelClock, Where } from '#read-models';
import type { ListWebhooksQuery } from './webhook.bodies.js';
import { webhookDecider, type WebhookState } from './webhook.decider.js';
import { webhookStream } from './webhook.events.js';
import { webhooksProjection } from './webhook-rows.js';
import { webhookResource, type WebhookResource } from './webhook.resource.js';

/** Reads webhooks. */
@Injectable()
export class Webhooks {
  constructor(
    private readonly database: Database,
    private readonly clock: ReadModelClock,
    private readonly streams: Streams,
  ) {}

  /** One webhook as its stream has it now. @throws RuleViolation not_found, when it is another project's too */
  async get({ projectId }: Principal, id: string): Promise<WebhookState> {
    const { state } = await this.streams.load(webhookDecider, webhookStream(id));
    if (state?.project_id === projectId) return state;
    throw new RuleViolation('not_found', `there is no webhook ${id}`);
  }

  async list(ctx: RequestContext, query: ListWebhooksQuery): Promise<Page<WebhookResource>> {
    const { limit, order = 'desc' } = query;
    const where = new Where().and('project_id = ?', ctx.principal.projectId);
    if (query.cursor !== undefined) {
      where.and(`id ${order === 'desc' ? '<' : '>'} ?::uuid`, keysOf(ctx, query.cursor, ['uuid'])[0]);
    }
    await waitFor(this.clock, ctx, webhooksProjection);
    const { rows, more } = await keysetPage<{ doc: WebhookState }>(this.database, {
      ...{ columns: 'doc', from: [{ tables: 'webhooks.webhooks' }], key: 'id' },
      ...{ where, order, limit },
    });
    const data = rows.map(({ doc }) => webhookResource(doc));
    const last = data.at(-1);
    return page(ctx, data, more && last !== undefined ? [last.id] : undefined);
  }
}

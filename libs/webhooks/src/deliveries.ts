import { Injectable } from '@nestjs/common';
import { type Causation, RuleViolation } from '#eventsourcing';
import { keysOf, page, type Page, ReadModelClock, type RequestContext, waitFor } from '#http';
import { Database, keysetPage, RecentWrites, Where } from '#read-models';
import {
  deliveryColumns,
  deliveryDetails,
  type DeliveryDetailsRow,
  type DeliveryDetailsResource,
  deliveryResource,
  type DeliveryResource,
  type DeliveryRow,
} from './delivery.resource.js';
import { addDeliveries } from './outbox.js';
import type { ListDeliveriesQuery } from './webhook.bodies.js';
import type { WebhookState } from './webhook.decider.js';
import { webhooksProjection } from './webhook-rows.js';
import { deliveriesChannel } from './webhook.tables.js';

/** The delivery log of a webhook, and what a person may ask of it. */
@Injectable()
export class Deliveries {
  constructor(
    private readonly database: Database,
    private readonly clock: ReadModelClock,
    private readonly writes: RecentWrites,
  ) {}

  async list(
    ctx: RequestContext,
    webhook: WebhookState,
    query: ListDeliveriesQuery,
  ): Promise<Page<DeliveryResource>> {
    const { limit, order = 'desc', status } = query;
    const where = new Where().and('webhook_id = ?', webhook.id);
    if (query.cursor !== undefined) {
      where.and(`id ${order === 'desc' ? '<' : '>'} ?::uuid`, keysOf(ctx, query.cursor, ['uuid'])[0]);
    }
    const tables = 'runledger.webhook_deliveries';
    const from = [...new Set(status)].map((word) => ({ tables, only: `status = ${where.value(word)}` }));
    await waitFor(this.clock, ctx, webhooksProjection);
    const { rows, more } = await keysetPage<DeliveryRow>(this.database, {
      ...{ columns: deliveryColumns, from: from.length > 0 ? from : [{ tables }], key: 'id' },
      ...{ where, order, limit },
    });
    const data = rows.map(deliveryResource);
    const last = data.at(-1);
    return page(ctx, data, more && last !== undefined ? [last.id] : undefined);
  }

  /** @throws RuleViolation not_found */
  async get(webhook: WebhookState, id: string): Promise<DeliveryDetailsResource> {
    const [row] = await this.database.query<DeliveryDetailsRow>(
      `SELECT ${deliveryColumns}, attempts, body FROM runledger.webhook_deliveries
       WHERE id = $1 AND webhook_id = $2`,
      [id, webhook.id],
    );
    if (row === undefined) throw new RuleViolation('not_found', `there is no delivery ${id}`);
    return deliveryDetails(row);
  }

  /**
   * Sends a delivery once more, at once and with all its attempts anew, also when one is under way.
   * @throws RuleViolation not_found, webhook_disabled
   */
  async redeliver(webhook: WebhookState, id: string): Promise<DeliveryResource> {
    await this.requireReady(webhook);
    await this.database.query(
      `WITH again AS (
         UPDATE runledger.webhook_deliveries
         SET status = 'pending', tries = 0, next_attempt_at = now(), ended_at = NULL, leased_until = NULL
         WHERE id = $1 AND webhook_id = $2 RETURNING id)
       SELECT pg_notify('${deliveriesChannel}', '') FROM again`,
      [id, webhook.id],
    );
    const { attempts: _attempts, event: _event, ...delivery } = await this.get(webhook, id);
    return delivery;
  }

  /** Sends an event that says nothing but that the webhook works. @throws RuleViolation webhook_disabled */
  async ping(webhook: WebhookState, causation: Causation): Promise<DeliveryResource> {
    await this.requireReady(webhook);
    const [id, event_id, event_type] = [causation.mint(), causation.mint(), 'webhook.ping'];
    const body = JSON.stringify({
      id: event_id,
      type: event_type,
      created_at: causation.at,
      actor: causation.principal.principalId,
      data: { webhook_id: webhook.id },
      project_id: webhook.project_id,
    });
    const made = { id, webhook_id: webhook.id, event_id, event_type, position: '0', body, error: null };
    await addDeliveries(this.database, [made]);
    const { attempts: _attempts, event: _event, ...delivery } = await this.get(webhook, id);
    return delivery;
  }

  /** What the policy has not come to yet, such as that it was enabled a moment ago, must not end the delivery. */
  private async requireReady({ id, enabled }: WebhookState): Promise<void> {
    if (!enabled)
      throw new RuleViolation('webhook_disabled', 'nothing is sent while the webhook is disabled');
    await this.writes.settled(webhooksProjection, id);
    const targets = await this.database.query('SELECT FROM runledger.webhook_targets WHERE webhook_id = $1', [
      id,
    ]);
    if (targets.length === 0) {
      throw new RuleViolation(
        'webhook_disabled',
        'nothing is sent until rotate-secret has given it a secret',
      );
    }
  }
}

import type { Sql } from '#read-models';
import { deliveriesChannel } from './webhook.tables.js';

export const disabledError = 'the webhook was disabled';

/** A delivery as it is made. */
export interface NewDelivery {
  readonly id: string;
  readonly webhook_id: string;
  readonly event_id: string;
  readonly event_type: string;
  /** Decimal digits. */
  readonly position: string;
  /** Exactly what is signed and sent. */
  readonly body: string;
  /** Set when the webhook was disabled before it could be sent. */
  readonly error: string | null;
}

/** The position up to which events have become deliveries, kept for when the read model is built again. */
export async function horizonOf(sql: Sql): Promise<bigint> {
  const [row] = await sql.query<{ position: string }>('SELECT position FROM runledger.webhook_horizon');
  return BigInt(row?.position ?? 0);
}

/** What is no delivery up to here becomes none any more; it never goes back. */
export async function moveHorizon(sql: Sql, position: bigint): Promise<void> {
  await sql.query('UPDATE runledger.webhook_horizon SET position = greatest(position, $1::bigint)', [
    position.toString(),
  ]);
}

/** Makes deliveries, once each, to destinations that have a secret, and wakes the senders. */
export async function addDeliveries(sql: Sql, deliveries: readonly NewDelivery[]): Promise<void> {
  if (deliveries.length === 0) return;
  const columns = ['id', 'webhook_id', 'event_id', 'event_type', 'position', 'body', 'error'] as const;
  await sql.query(
    `INSERT INTO runledger.webhook_deliveries (${columns.join(', ')}, status, ended_at)
     SELECT d.*, CASE WHEN d.error IS NULL THEN 'pending' ELSE 'failed' END,
       CASE WHEN d.error IS NULL THEN NULL ELSE now() END
     FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::bigint[], $6::text[], $7::text[])
       AS d(${columns.join(', ')})
     JOIN runledger.webhook_targets USING (webhook_id)
     ON CONFLICT (id) DO NOTHING`,
    columns.map((column) => deliveries.map((delivery) => delivery[column])),
  );
  await sql.query(`SELECT pg_notify('${deliveriesChannel}', '')`);
}

/** Nothing more is sent to these. */
export async function endPending(sql: Sql, webhooks: readonly string[]): Promise<void> {
  if (webhooks.length === 0) return;
  await sql.query(
    `UPDATE runledger.webhook_deliveries SET status = 'failed', error = $2, ended_at = now()
     WHERE webhook_id = ANY ($1::uuid[]) AND status = 'pending'`,
    [webhooks, disabledError],
  );
}

/** Forgets the secrets and the deliveries of webhooks that are gone. */
export async function forgetWebhooks(sql: Sql, webhooks: readonly string[]): Promise<void> {
  if (webhooks.length === 0) return;
  await sql.query('DELETE FROM runledger.webhook_deliveries WHERE webhook_id = ANY ($1::uuid[])', [webhooks]);
  await sql.query('DELETE FROM runledger.webhook_targets WHERE webhook_id = ANY ($1::uuid[])', [webhooks]);
}

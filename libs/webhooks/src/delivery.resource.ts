import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import type { Attempt } from './delivery-queue.js';

export const deliveryStatuses = ['pending', 'succeeded', 'failed'] as const;
export type DeliveryStatus = (typeof deliveryStatuses)[number];

@ApiSchema({ name: 'WebhookAttempt' })
class AttemptResource implements Attempt {
  at: string;
  status_code: number | null;
  duration_ms: number;
  error: string | null;
  /** The first KiB of what was answered. */
  response_body: string | null;
}

/** An event on its way to a destination. */
@ApiSchema({ name: 'WebhookDelivery' })
export class DeliveryResource {
  /** Also the header `Webhook-Id` of every attempt. */
  id: string;
  webhook_id: string;
  event_id: string;
  event_type: string;
  @ApiProperty({ enum: deliveryStatuses, enumName: 'DeliveryStatus' })
  status: DeliveryStatus;
  attempt_count: number;
  next_attempt_at: string | null;
  /** What was wrong with the newest attempt. */
  error: string | null;
  created_at: string;
  ended_at: string | null;
}

@ApiSchema({ name: 'WebhookDeliveryDetails' })
export class DeliveryDetailsResource extends DeliveryResource {
  /** The newest 20, oldest first. */
  attempts: AttemptResource[];
  /** What is sent. */
  event: Record<string, unknown>;
}

export interface DeliveryRow extends Omit<DeliveryResource, 'next_attempt_at' | 'created_at' | 'ended_at'> {
  readonly next_attempt_at: Date;
  readonly created_at: Date;
  readonly ended_at: Date | null;
}

export interface DeliveryDetailsRow extends DeliveryRow {
  readonly attempts: Attempt[];
  readonly body: string;
}

export const deliveryColumns =
  'id, webhook_id, event_id, event_type, status, attempt_count, next_attempt_at, error, created_at, ended_at';

export function deliveryResource(row: DeliveryRow): DeliveryResource {
  const { id, webhook_id, event_id, event_type, status, attempt_count, error } = row;
  return {
    ...{ id, webhook_id, event_id, event_type, status, attempt_count },
    next_attempt_at: status === 'pending' ? row.next_attempt_at.toISOString() : null,
    error,
    created_at: row.created_at.toISOString(),
    ended_at: row.ended_at?.toISOString() ?? null,
  };
}

export const deliveryDetails = (row: DeliveryDetailsRow): DeliveryDetailsResource =>
  Object.assign(deliveryResource(row), {
    attempts: row.attempts,
    event: JSON.parse(row.body) as Record<string, unknown>,
  });

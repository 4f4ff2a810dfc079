import { ApiSchema } from '@nestjs/swagger';
import type { WebhookState } from './webhook.decider.js';

class WebhookFilterResource {
  session_id?: string;
  run_id?: string;
  source?: string;
  kind?: string;
  status?: string;
}

/** A webhook as the API shows it. Its secret can be given and rotated, never read. */
@ApiSchema({ name: 'Webhook' })
export class WebhookResource {
  id: string;
  project_id: string;
  url: string;
  description: string | null;
  /** A comma list. */
  event_pattern: string;
  filter: WebhookFilterResource | null;
  enabled: boolean;
  /** Why the service disabled it. */
  disabled_reason: string | null;
  /** The end of the secret, to know it again by. */
  secret_hint: string;
  created_at: string;
  updated_at: string;
  revision: number;
}

@ApiSchema({ name: 'WebhookWithSecret' })
export class WebhookWithSecretResource extends WebhookResource {
  /** One that was minted, shown in this answer alone; left out when an Idempotency-Key replays it. */
  secret?: string;
}

export function webhookResource({ event_patterns, ...webhook }: WebhookState): WebhookResource {
  return { ...webhook, event_pattern: event_patterns.join() };
}

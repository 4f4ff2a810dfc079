import type { WebhookFilterBody } from './webhook.bodies.js';
import type { WebhookFilter } from './webhook.events.js';

/** The conditions that a body names; null when it names none. */
export function filterOf(body: WebhookFilterBody | null | undefined): WebhookFilter | null {
  const named = Object.entries(body ?? {}).filter(([, value]) => value != null);
  return named.length === 0 ? null : Object.fromEntries(named);
}

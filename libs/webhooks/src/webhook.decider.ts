import type { Decider, Envelope } from '#eventsourcing';
import { RuleViolation } from '#eventsourcing';
import type { WebhookBirth, WebhookDetails, WebhookFact, WebhookFilter } from './webhook.events.js';

/** A webhook as its stream tells it. */
export interface WebhookState {
  readonly id: string;
  readonly project_id: string;
  readonly url: string;
  readonly description: string | null;
  readonly event_patterns: readonly string[];
  readonly filter: WebhookFilter | null;
  readonly enabled: boolean;
  /** Why the service disabled it; null while it is enabled, or when a person disabled it. */
  readonly disabled_reason: string | null;
  readonly secret_hint: string;
  readonly created_at: string;
  readonly updated_at: string;
  readonly revision: number;
}

/** Undefined: there is none, or none any more. */
export type Webhook = WebhookState | undefined;

export const webhookDecider: Decider<Webhook, WebhookFact> = {
  initial: undefined,
  evolve: (webhook, fact, envelope) => {
    if (fact.type === 'WebhookCreated') return born(fact.data, envelope);
    return webhook && changed(webhook, fact, envelope);
  },
};

function born(birth: WebhookBirth, { metadata: { at } }: Envelope): WebhookState {
  const { webhook_id: id, description = null, filter = null, ...given } = birth;
  const times = { created_at: at, updated_at: at };
  return { id, ...given, description, filter, disabled_reason: null, ...times, revision: 1 };
}

function changed(webhook: WebhookState, fact: WebhookFact, { metadata: { at } }: Envelope): Webhook {
  const touched = { ...webhook, updated_at: at, revision: webhook.revision + 1 };
  switch (fact.type) {
    case 'WebhookUpdated':
      return { ...touched, ...fact.data, ...(fact.data.enabled !== undefined && { disabled_reason: null }) };
    case 'WebhookSecretRotated':
      return { ...touched, secret_hint: fact.data.secret_hint };
    case 'WebhookDisabled':
      return { ...touched, enabled: false, disabled_reason: fact.data.reason };
    case 'WebhookDeleted':
      return undefined;
    case 'WebhookCreated':
      return webhook;
  }
}

/** A webhook is created once; the same birth again changes nothing. */
export function createWebhook(webhook: Webhook, birth: WebhookBirth): WebhookFact[] {
  return webhook === undefined ? [{ type: 'WebhookCreated', data: birth }] : [];
}

/** Changes what differs from what is there. @throws RuleViolation not_found, revision_mismatch */
export function changeWebhook(webhook: Webhook, details: WebhookDetails, expected?: number): WebhookFact[] {
  const before = present(webhook, expected);
  const news = Object.entries(details).filter(([key, value]) => {
    return value !== undefined && !same(value, before[key as keyof WebhookDetails]);
  });
  if (news.length === 0) return [];
  return [{ type: 'WebhookUpdated', data: Object.fromEntries(news) }];
}

/** @throws RuleViolation not_found, revision_mismatch */
export function rotateSecret(webhook: Webhook, secret_hint: string, expected?: number): WebhookFact[] {
  present(webhook, expected);
  return [{ type: 'WebhookSecretRotated', data: { secret_hint } }];
}

/** Gives a destination up; one that is disabled, or gone, stays as it is. */
export function disableWebhook(webhook: Webhook, reason: string): WebhookFact[] {
  return webhook?.enabled === true ? [{ type: 'WebhookDisabled', data: { reason } }] : [];
}

/** @throws RuleViolation not_found, revision_mismatch */
export function deleteWebhook(webhook: Webhook, expected?: number): WebhookFact[] {
  present(webhook, expected);
  return [{ type: 'WebhookDeleted', data: {} }];
}

function present(webhook: Webhook, expected: number | undefined): WebhookState {
  if (webhook === undefined) throw new RuleViolation('not_found', 'there is no such webhook');
  if (expected !== undefined && expected !== webhook.revision) {
    const detail = `the webhook is at revision ${webhook.revision}, not ${expected}`;
    throw new RuleViolation('revision_mismatch', detail);
  }
  return webhook;
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

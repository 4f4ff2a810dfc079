import type { Fact } from '#eventsourcing';

/** What an event must have, beside a type that a pattern names; what is absent does not matter. */
export interface WebhookFilter {
  readonly session_id?: string;
  readonly run_id?: string;
  readonly source?: string;
  readonly kind?: string;
  readonly status?: string;
}

export interface WebhookBirth {
  readonly webhook_id: string;
  readonly project_id: string;
  readonly url: string;
  readonly description?: string;
  readonly event_patterns: readonly string[];
  readonly filter?: WebhookFilter;
  readonly enabled: boolean;
  /** The secret's last characters, by which a person knows it again; the secret itself is in no event. */
  readonly secret_hint: string;
}

/** Null takes away what was there. */
export interface WebhookDetails {
  readonly url?: string;
  readonly description?: string | null;
  readonly event_patterns?: readonly string[];
  readonly filter?: WebhookFilter | null;
  readonly enabled?: boolean;
}

export type WebhookCreated = Fact<'WebhookCreated', WebhookBirth>;
export type WebhookUpdated = Fact<'WebhookUpdated', WebhookDetails>;
export type WebhookSecretRotated = Fact<'WebhookSecretRotated', { readonly secret_hint: string }>;
/** The service gave the destination up. */
export type WebhookDisabled = Fact<'WebhookDisabled', { readonly reason: string }>;
export type WebhookDeleted = Fact<'WebhookDeleted', Record<string, never>>;

/** The facts of a stream `webhook-<id>`. */
export type WebhookFact =
  WebhookCreated | WebhookUpdated | WebhookSecretRotated | WebhookDisabled | WebhookDeleted;

export const webhookStreams = 'webhook-';
export const webhookStream = (id: string): string => `${webhookStreams}${id}`;

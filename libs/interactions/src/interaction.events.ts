import type { Fact, Json } from '#eventsourcing';

export const interactionKinds = ['user_approval', 'user_input', 'tool_call'] as const;
export type InteractionKind = (typeof interactionKinds)[number];

export const interactionStatuses = [
  'pending',
  'responded',
  'resolved',
  'denied',
  'cancelled',
  'expired',
] as const;
export type InteractionStatus = (typeof interactionStatuses)[number];

export const decisions = ['approved', 'denied'] as const;
export type Decision = (typeof decisions)[number];

/** What a question is answered with: one of the three. The service itself answers with an error. */
export interface InteractionAnswer {
  readonly answer?: Json;
  readonly decision?: Decision;
  readonly error?: { readonly code: string; readonly message: string };
  /** RFC 3339; given with a token, the answer may take effect until that ends. */
  readonly valid_until?: string;
}

/** Everything that a question is born with. */
export interface InteractionBirth {
  readonly interaction_id: string;
  /** The asker's own name for the question, unique in its run. */
  readonly token: string;
  readonly project_id: string;
  /** Whose run asks. */
  readonly user_id: string;
  readonly run_id: string;
  readonly session_id?: string;
  readonly kind: InteractionKind;
  readonly request: Json;
  /** RFC 3339 UTC with milliseconds, by the service's clock. */
  readonly expires_at: string;
}

export type InteractionRequested = Fact<'InteractionRequested', InteractionBirth>;
/** Who answered, and when, stands in the envelope. */
export type InteractionResponded = Fact<'InteractionResponded', InteractionAnswer>;
/** The answer took effect; or the question was settled without one. */
export type InteractionResolved = Fact<'InteractionResolved', { readonly reason?: string }>;
/** The answer was not to take effect: who gave it may not do so any more. */
export type InteractionDenied = Fact<'InteractionDenied', { readonly reason: string }>;
export type InteractionCancelled = Fact<'InteractionCancelled', { readonly reason?: string }>;
export type InteractionExpired = Fact<'InteractionExpired', { readonly reason: string }>;

/** The facts of a stream `interaction-<id>`. */
export type InteractionFact =
  | InteractionRequested
  | InteractionResponded
  | InteractionResolved
  | InteractionDenied
  | InteractionCancelled
  | InteractionExpired;

export const interactionStreams = 'interaction-';
export const interactionStream = (id: string): string => `${interactionStreams}${id}`;

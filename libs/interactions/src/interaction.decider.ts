import type { Decider, Envelope, Json } from '#eventsourcing';
import { RuleViolation } from '#eventsourcing';
import type {
  InteractionAnswer,
  InteractionBirth,
  InteractionFact,
  InteractionKind,
  InteractionStatus,
} from './interaction.events.js';

/** What a question was answered with, by which principal, and when. */
export interface InteractionResponse extends InteractionAnswer {
  readonly by: string;
  readonly at: string;
}

/** A question as its stream tells it, in the words of the API. */
export interface InteractionState {
  readonly id: string;
  readonly token: string;
  readonly project_id: string;
  readonly user_id: string;
  readonly session_id: string | null;
  readonly run_id: string;
  readonly kind: InteractionKind;
  readonly status: InteractionStatus;
  readonly request: Json;
  readonly response: InteractionResponse | null;
  /** Why it ended without an answer, or why its answer took no effect. */
  readonly reason: string | null;
  readonly expires_at: string;
  readonly created_at: string;
  readonly updated_at: string;
  readonly revision: number;
}

export type Interaction = InteractionState | undefined;

export const interactionDecider: Decider<Interaction, InteractionFact> = {
  initial: undefined,
  evolve: (interaction, fact, envelope) => {
    if (fact.type === 'InteractionRequested') return born(fact.data, envelope);
    return interaction && changed(interaction, fact, envelope);
  },
  weigh: (interaction) => (interaction === undefined ? 0 : 2 * JSON.stringify(interaction).length),
};

function born(birth: InteractionBirth, { metadata: { at } }: Envelope): InteractionState {
  const { interaction_id: id, session_id = null, ...rest } = birth;
  return {
    ...rest,
    id,
    session_id,
    status: 'pending',
    response: null,
    reason: null,
    created_at: at,
    updated_at: at,
    revision: 1,
  };
}

const outcome = {
  InteractionResolved: 'resolved',
  InteractionDenied: 'denied',
  InteractionCancelled: 'cancelled',
  InteractionExpired: 'expired',
} as const;

function changed(
  interaction: InteractionState,
  fact: Exclude<InteractionFact, { type: 'InteractionRequested' }>,
  { metadata: { at, actor } }: Envelope,
): InteractionState {
  const touched = { ...interaction, updated_at: at, revision: interaction.revision + 1 };
  if (fact.type === 'InteractionResponded') {
    const status = fact.data.decision === 'denied' ? 'denied' : 'responded';
    return { ...touched, status, response: { ...fact.data, by: actor, at } };
  }
  return { ...touched, status: outcome[fact.type], reason: fact.data.reason ?? null };
}

/** A question is asked once under its token; the same again changes nothing. */
export function requestInteraction(interaction: Interaction, birth: InteractionBirth): InteractionFact[] {
  return interaction === undefined ? [{ type: 'InteractionRequested', data: birth }] : [];
}

/**
 * Answers an open question, once.
 * @param now milliseconds since 1970: what has expired is open no longer, even before it was swept
 * @throws RuleViolation not_pending
 */
export function respond(
  interaction: InteractionState,
  answer: InteractionAnswer,
  now: number,
): InteractionFact[] {
  expectPending(interaction);
  if (now >= Date.parse(interaction.expires_at)) {
    throw new RuleViolation('not_pending', `the interaction expired at ${interaction.expires_at}`);
  }
  return [{ type: 'InteractionResponded', data: answer }];
}

/**
 * Lets the answer take effect, or settles an open question without one. A denial stays what it is.
 * @param authorised whether who answered may still do so
 * @throws RuleViolation not_pending when it was cancelled or has expired
 */
export function resolve(
  interaction: InteractionState,
  authorised: boolean,
  reason: string | undefined,
): InteractionFact[] {
  if (interaction.status === 'resolved' || interaction.status === 'denied') return [];
  if (interaction.status !== 'responded') expectPending(interaction);
  if (authorised) return [{ type: 'InteractionResolved', data: reason === undefined ? {} : { reason } }];
  return [{ type: 'InteractionDenied', data: { reason: 'who answered may not answer any more' } }];
}

/** Takes an open question back; one that was taken back stays so. @throws RuleViolation not_pending */
export function cancel(interaction: InteractionState, reason: string | undefined): InteractionFact[] {
  if (interaction.status === 'cancelled') return [];
  expectPending(interaction);
  return [{ type: 'InteractionCancelled', data: reason === undefined ? {} : { reason } }];
}

/** Ends a question whose time is over: a tool call is answered with an error, so that its agent goes on. */
export function expire(interaction: Interaction, now: number): InteractionFact[] {
  if (interaction?.status !== 'pending' || now < Date.parse(interaction.expires_at)) return [];
  const message = `nobody answered until ${interaction.expires_at}`;
  return interaction.kind === 'tool_call'
    ? [{ type: 'InteractionResponded', data: { error: { code: 'timeout', message } } }]
    : [{ type: 'InteractionExpired', data: { reason: message } }];
}

function expectPending({ status }: InteractionState): void {
  if (status !== 'pending') throw new RuleViolation('not_pending', `the interaction is ${status}`);
}

/** How long a question waits when nobody says, in milliseconds. */
const patience = { user_approval: 7 * 86_400_000, user_input: 7 * 86_400_000, tool_call: 5 * 60_000 };

/**
 * When a question expires: when it was asked to, or after 7 days; a tool call after 5 minutes.
 * @param now milliseconds since 1970
 * @param asked RFC 3339 time
 * @throws RuleViolation validation_failed when the time asked for is over
 */
export function expiryOf(kind: InteractionKind, now: number, asked: string | undefined): string {
  const until = asked === undefined ? now + patience[kind] : Date.parse(asked);
  if (until <= now) {
    const pointer = '/expires_at';
    throw new RuleViolation('validation_failed', 'expires_at must be in the future', { pointer });
  }
  return new Date(until).toISOString();
}

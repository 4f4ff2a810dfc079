import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Causation } from '#eventsourcing';
import { RuleViolation, Streams } from '#eventsourcing';
import { expectSmall, ProblemError } from '#http';
import { mayAnswer } from './answerers.js';
import { findInteraction } from './find-interaction.js';
import { type ChangedInteraction, InteractionChanges } from './interaction-changes.js';
import type { RespondBody } from './interaction.bodies.js';
import { type Interaction, type InteractionState, respond } from './interaction.decider.js';
import type { InteractionAnswer } from './interaction.events.js';

export class RespondInteraction extends Command<ChangedInteraction> {
  constructor(
    readonly id: string,
    readonly body: RespondBody,
    readonly causation: Causation,
    readonly expected: number | undefined,
  ) {
    super();
  }
}

/**
 * Answers a question, once: whoever comes second is refused.
 * @throws RuleViolation not_found, forbidden, not_pending, revision_mismatch; ProblemError validation_failed, payload_too_large
 */
@CommandHandler(RespondInteraction)
export class RespondInteractionHandler implements ICommandHandler<RespondInteraction> {
  constructor(
    private readonly streams: Streams,
    private readonly changes: InteractionChanges,
  ) {}

  async execute({ id, body, causation, expected }: RespondInteraction): Promise<ChangedInteraction> {
    const { principal } = causation;
    const known = await findInteraction(this.streams, principal, id);
    if (!mayAnswer(principal, known.kind)) {
      throw new RuleViolation('forbidden', `a ${principal.role} may not answer a ${known.kind}`);
    }
    const { until } = principal;
    const answer = { ...answerOf(body), ...(until !== undefined && { valid_until: until }) };
    const { milliseconds } = causation;
    const decide = (now: Interaction) => respond(now as InteractionState, answer, milliseconds);
    return this.changes.change(id, causation, decide, expected);
  }
}

function answerOf({ answer, decision }: RespondBody): InteractionAnswer {
  if ((answer === undefined) === (decision == null)) {
    const detail = 'must hold either answer or decision';
    throw new ProblemError('validation_failed', `The body ${detail}.`, { errors: [{ pointer: '', detail }] });
  }
  if (decision != null) return { decision };
  expectSmall(answer ?? null, '/answer');
  return { answer: answer ?? null };
}

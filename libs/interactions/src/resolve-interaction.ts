import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { Authority, visible } from '#access';
import type { Causation } from '#eventsourcing';
import { Streams } from '#eventsourcing';
import { mayAnswer } from './answerers.js';
import { findInteraction } from './find-interaction.js';
import { type ChangedInteraction, InteractionChanges } from './interaction-changes.js';
import { type Interaction, type InteractionState, resolve } from './interaction.decider.js';

export class ResolveInteraction extends Command<ChangedInteraction> {
  constructor(
    readonly id: string,
    readonly reason: string | undefined,
    readonly causation: Causation,
    readonly expected: number | undefined,
  ) {
    super();
  }
}

/**
 * Lets an answer take effect, if who gave it may still give it: otherwise the question is denied.
 * @throws RuleViolation not_found, not_pending, revision_mismatch
 */
@CommandHandler(ResolveInteraction)
export class ResolveInteractionHandler implements ICommandHandler<ResolveInteraction> {
  constructor(
    private readonly streams: Streams,
    private readonly authority: Authority,
    private readonly changes: InteractionChanges,
  ) {}

  async execute({ id, reason, causation, expected }: ResolveInteraction): Promise<ChangedInteraction> {
    const known = await findInteraction(this.streams, causation.principal, id);
    const authorised = await this.isAuthorised(known, causation.milliseconds);
    const decide = (now: Interaction) => resolve(now as InteractionState, authorised, reason);
    return this.changes.change(id, causation, decide, expected);
  }

  /** The service's own answer, an error, needs nobody's authority. What a token allows, it does until it ends. */
  private async isAuthorised(interaction: InteractionState, now: number): Promise<boolean> {
    const { response, kind } = interaction;
    if (response === null || response.error !== undefined) return true;
    if (response.valid_until !== undefined) return now < Date.parse(response.valid_until);
    const answerer = await this.authority.principal(response.by, now);
    return answerer !== undefined && visible(answerer, interaction) && mayAnswer(answerer, kind);
  }
}

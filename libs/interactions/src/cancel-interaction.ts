import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Causation } from '#eventsourcing';
import { Streams } from '#eventsourcing';
import { findInteraction } from './find-interaction.js';
import { type ChangedInteraction, InteractionChanges } from './interaction-changes.js';
import { cancel, type Interaction, type InteractionState } from './interaction.decider.js';

export class CancelInteraction extends Command<ChangedInteraction> {
  constructor(
    readonly id: string,
    readonly reason: string | undefined,
    readonly causation: Causation,
    readonly expected: number | undefined,
  ) {
    super();
  }
}

/** Takes a question back. @throws RuleViolation not_found, revision_mismatch, not_pending once it was answered or has expired */
@CommandHandler(CancelInteraction)
export class CancelInteractionHandler implements ICommandHandler<CancelInteraction> {
  constructor(
    private readonly streams: Streams,
    private readonly changes: InteractionChanges,
  ) {}

  async execute({ id, reason, causation, expected }: CancelInteraction): Promise<ChangedInteraction> {
    await findInteraction(this.streams, causation.principal, id);
    const decide = (now: Interaction) => cancel(now as InteractionState, reason);
    return this.changes.change(id, causation, decide, expected);
  }
}

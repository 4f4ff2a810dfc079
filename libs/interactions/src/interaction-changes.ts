import { Injectable } from '@nestjs/common';
import type { Causation } from '#eventsourcing';
import { Streams } from '#eventsourcing';
import { requireRevision } from '#http';
import { RecentWrites } from '#read-models';
import { interactionDecider, type Interaction, type InteractionState } from './interaction.decider.js';
import { type InteractionFact, interactionStream } from './interaction.events.js';
import { InteractionNotes } from './interaction-notes.js';

export interface ChangedInteraction {
  readonly interaction: InteractionState;
  /** Position of the change and of what its run tells of it. */
  readonly position: bigint | undefined;
  /** Whether the change was made now. */
  readonly changed: boolean;
}

/** Changes a question, and has its run tell of it. */
@Injectable()
export class InteractionChanges {
  constructor(
    private readonly streams: Streams,
    private readonly notes: InteractionNotes,
    private readonly writes: RecentWrites,
  ) {}

  /** The decision must leave a question behind. @throws RuleViolation revision_mismatch, and from the decision */
  async change(
    id: string,
    causation: Causation,
    decide: (interaction: Interaction) => readonly InteractionFact[],
    expected?: number,
  ): Promise<ChangedInteraction> {
    const stream = interactionStream(id);
    const outcome = await this.streams.execute(interactionDecider, stream, causation, (now) => {
      if (now !== undefined) requireRevision(expected, now.revision);
      return decide(now);
    });
    const interaction = outcome.state as InteractionState;
    this.writes.wrote(id, outcome.position);
    const told = (await this.notes.tell(interaction, causation)) ?? 0n;
    const position = outcome.position ?? 0n;
    // That it was answered the run has told long before the answer takes effect.
    return { interaction, position: told > position ? told : position, changed: outcome.events.length > 0 };
  }
}

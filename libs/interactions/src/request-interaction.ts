import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Causation } from '#eventsourcing';
import { derivedUuidv7, RuleViolation, Streams } from '#eventsourcing';
import { expectSmall } from '#http';
import { expectLeaseOf, findRun, isOver, runDecider, type RunState, runStream } from '#runs';
import { type ChangedInteraction, InteractionChanges } from './interaction-changes.js';
import type { RequestInteractionBody } from './interaction.bodies.js';
import { expiryOf, interactionDecider, requestInteraction } from './interaction.decider.js';
import { interactionStream } from './interaction.events.js';

export class RequestInteraction extends Command<ChangedInteraction> {
  constructor(
    readonly runId: string,
    readonly body: RequestInteractionBody,
    readonly causation: Causation,
    readonly leaseId: string | undefined,
  ) {
    super();
  }
}

/**
 * Asks; the same token in the same run names the same question.
 * @throws RuleViolation not_found, run_terminal, lease_lost, validation_failed; ProblemError payload_too_large
 */
@CommandHandler(RequestInteraction)
export class RequestInteractionHandler implements ICommandHandler<RequestInteraction> {
  constructor(
    private readonly streams: Streams,
    private readonly changes: InteractionChanges,
  ) {}

  async execute({ runId, body, causation, leaseId }: RequestInteraction): Promise<ChangedInteraction> {
    const { kind, request = null, expires_at } = body;
    const run = await findRun(this.streams, causation.principal, runId);
    const token = body.token ?? causation.mint();
    // The id follows from the token: its stream is the reservation of the token.
    const id = derivedUuidv7(Date.parse(run.created_at), 'interaction', runId, token);
    const { state: known } = await this.streams.load(interactionDecider, interactionStream(id));
    if (known !== undefined) return this.changes.change(id, causation, () => []);
    expectSmall(request, '/request');
    const birth = {
      interaction_id: id,
      token,
      project_id: run.project_id,
      user_id: run.user_id,
      run_id: runId,
      ...(run.session_id !== null && { session_id: run.session_id }),
      kind,
      request,
      expires_at: expiryOf(kind, causation.milliseconds, expires_at ?? undefined),
    };
    if (leaseId !== undefined) await expectLeaseOf(this.streams, runId, leaseId);
    await this.expectGoingOn(run);
    return this.changes.change(id, causation, (now) => requestInteraction(now, birth));
  }

  /** A run that ends right after this look takes its questions with it: the policy sees to that. */
  private async expectGoingOn(known: RunState): Promise<void> {
    const { state: run = known } = await this.streams.load(runDecider, runStream(known.id));
    if (isOver(run))
      throw new RuleViolation('run_terminal', `the run is ${run.status}, it asks nothing more`);
  }
}

import { visible } from '#access';
import type { Principal, Streams } from '#eventsourcing';
import { RuleViolation } from '#eventsourcing';
import { interactionDecider, type InteractionState } from './interaction.decider.js';
import { interactionStream } from './interaction.events.js';

/** The question as it is now, if there is one that the caller may see. @throws RuleViolation not_found */
export async function findInteraction(
  streams: Streams,
  principal: Principal,
  id: string,
): Promise<InteractionState> {
  const { state } = await streams.load(interactionDecider, interactionStream(id));
  if (state === undefined || !visible(principal, state)) {
    throw new RuleViolation('not_found', `there is no interaction ${id}`);
  }
  return state;
}

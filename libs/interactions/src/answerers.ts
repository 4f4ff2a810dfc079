import { redactors, writers } from '#access';
import type { Principal } from '#eventsourcing';
import type { InteractionKind } from './interaction.events.js';

/** Whether the caller's role answers questions of a kind: an agent's worker approves nothing of its own. */
export const mayAnswer = ({ role }: Principal, kind: InteractionKind): boolean =>
  (kind === 'user_approval' ? redactors : writers).some((allowed) => allowed === role);

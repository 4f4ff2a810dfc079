import type { Principal, Streams } from '#eventsourcing';
import { findRun } from '#runs';
import { findSession } from '#sessions';

/** Whose transcript it is. */
export interface TranscriptOwner {
  readonly kind: 'session' | 'run';
  readonly id: string;
}

/** Answers nothing when the caller may see the owner. @throws RuleViolation not_found, session_deleted */
export async function findOwner(
  streams: Streams,
  principal: Principal,
  { kind, id }: TranscriptOwner,
): Promise<void> {
  if (kind === 'session') await findSession(streams, principal, id);
  else await findRun(streams, principal, id);
}

/** What events of the transcript say of its owner. */
export const sessionOf = ({ kind, id }: TranscriptOwner): { session_id?: string } =>
  kind === 'session' ? { session_id: id } : {};

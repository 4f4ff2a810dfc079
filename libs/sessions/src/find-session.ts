import { visible } from '#access';
import type { Principal, Streams } from '#eventsourcing';
import { RuleViolation } from '#eventsourcing';
import type { SessionState } from './session.decider.js';
import { sessionDecider } from './session.decider.js';
import { sessionStream } from './session.events.js';

/** So long a session that was deleted through another process may still be taken for one that is there, in milliseconds. */
const oldest = 1_000;

/**
 * The session, if there is one that the caller may see; its changeable parts may be somewhat old.
 * @throws RuleViolation not_found, session_deleted
 */
export async function findSession(streams: Streams, principal: Principal, id: string): Promise<SessionState> {
  const session = await streams.glance(sessionDecider, sessionStream(id), oldest);
  if (session === undefined || !visible(principal, session)) {
    throw new RuleViolation('not_found', `there is no session ${id}`);
  }
  if (session.deleted_at !== null) throw new RuleViolation('session_deleted', 'the session was deleted');
  return session;
}

/** The session in which the event with this number of a session's feed happened: itself, or one that it is a fork of. */
export async function originOf(streams: Streams, id: string, sequence: number): Promise<string> {
  const session = await streams.glance(sessionDecider, sessionStream(id));
  const from = session?.forked_from ?? null;
  if (from === null || sequence > from.sequence_number) return id;
  return originOf(streams, from.session_id, sequence);
}

import type { Fact, Json } from '#eventsourcing';

/**
 * What the session's workers keep for themselves: the service looks at none of it. Since `sandbox_id` is told beside it,
 * as it stays, nothing before need be read.
 */
export type SessionStateSaved = Fact<
  'SessionStateSaved',
  { readonly session_id: string; readonly data: Json; readonly sandbox_id?: string | null }
>;
/** The sandbox in which the session goes on from now on; null: in none. */
export type SessionSandboxPointed = Fact<
  'SessionSandboxPointed',
  { readonly session_id: string; readonly sandbox_id: string | null }
>;

/** The facts of a stream `sessionState-<id>`. */
export type SessionStateFact = SessionStateSaved | SessionSandboxPointed;

export const sessionStateStream = (sessionId: string): string => `sessionState-${sessionId}`;

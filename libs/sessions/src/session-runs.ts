import type { Causation } from '#eventsourcing';

/** What a session asks of the room of the runs; that room binds it. */
export abstract class SessionRuns {
  /** Cancels the active runs of a deleted session. @returns the position of the last event that this made */
  abstract end(sessionId: string, position: bigint, causation: Causation): Promise<bigint | undefined>;
}

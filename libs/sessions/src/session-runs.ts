import type { Causation } from '#eventsourcing';
import type { RunStatus } from '#runs';

/** What a session asks of the room of the runs; that room binds it. */
export abstract class SessionRuns {
  /** Cancels the active runs of a deleted session. @returns the position of the last event that this made */
  abstract end(sessionId: string, position: bigint, causation: Causation): Promise<bigint | undefined>;
  /** Cancels those of some runs that are not over. @returns the first of them, undefined when all are over */
  abstract cancel(
    ids: readonly string[],
    reason: string,
    causation: Causation,
  ): Promise<{ run_id: string; position: bigint | undefined } | undefined>;
  /** A run of the session that is running, asked of the runs themselves. @param holders of the session */
  abstract running(sessionId: string, holders: readonly string[]): Promise<string | undefined>;
  /** How a run stands, asked of its own stream; undefined when there is no such stream. */
  abstract standing(stream: string): Promise<{ status: RunStatus; done_reason: string | null } | undefined>;
}

import type { Causation } from '#eventsourcing';
import type { ForkedFrom } from './session.events.js';
import type { FeedPoint } from './session-past.js';

/** What a fork asks of the room of the transcripts; that room binds it. */
export abstract class SharedTranscripts {
  /**
   * Makes what was said in a session up to a point be said in its fork too, before the fork is there.
   * @returns where the fork begins: at the point, or where an earlier attempt at the same command had begun it
   * @throws ProblemError projection_lagging
   */
  abstract share(source: string, fork: string, point: FeedPoint, causation: Causation): Promise<ForkedFrom>;
}

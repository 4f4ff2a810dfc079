import type { RequestContext } from '#http';
import type { RunState } from './run.decider.js';

/** Answers a request with a run's timeline as it happens; the room of the timelines binds it. */
export abstract class RunWatch {
  /** From the run's creation until it has ended. @throws StoreUnavailable */
  abstract fromCreation(run: RunState, ctx: RequestContext): Promise<void>;
}

import type { Streams } from '#eventsourcing';
import type { RunState } from './run.decider.js';
import { isOver, runDecider } from './run.decider.js';
import { runStream } from './run.events.js';

/**
 * A run that was enqueued starts when those before it are over, which is asked of their own streams.
 * @returns the id of one that is not over; undefined when it is the run's turn
 */
export async function holderBefore(
  streams: Streams,
  { behind }: Pick<RunState, 'behind'>,
): Promise<string | undefined> {
  for (const id of behind) {
    const { state } = await streams.load(runDecider, runStream(id));
    if (state !== undefined && !isOver(state)) return id;
  }
  return undefined;
}

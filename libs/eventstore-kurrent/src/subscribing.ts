import { setTimeout as pause } from 'node:timers/promises';
import { type Batch, StoreUnavailable } from '#eventsourcing';
import { Arrivals, type Subscription } from './arrivals.js';
import { mapped } from './errors.js';
import { Progress } from './progress.js';

export interface Source {
  /** Opens a subscription behind the last batch, at the leader; `live` asks for a checkpoint after every event. */
  open(live: boolean): Promise<Subscription>;
  /** Tells the source how far the subscriber has come. */
  reached(batch: Batch): void;
  /** Position of the last event in the store. @throws StoreUnavailable */
  head(): Promise<bigint>;
  /** The position that the subscriber starts after. */
  readonly after: bigint;
  /** Whether the live phase is opened anew, in another way than the catching up. */
  readonly twoPhases: boolean;
  readonly batchSize: number;
  readonly signal: AbortSignal;
}

/** A subscription to all that does not know how far it has come looks when nothing came for so many milliseconds. */
const vagueMs = 20;
const shortestDelay = 50;
const longestDelay = 5_000;

/** Batches of a subscription that is opened again, behind the last batch, whenever it breaks. */
export async function* subscribe(source: Source): AsyncGenerator<Batch, void, undefined> {
  const { signal } = source;
  const progress = new Progress(source.after);
  let delay = shortestDelay;
  while (!signal.aborted) {
    try {
      for await (const batch of session(source, progress)) {
        source.reached(batch);
        delay = shortestDelay;
        yield batch;
      }
    } catch (error) {
      const failure = mapped(error);
      if (!(failure instanceof StoreUnavailable)) throw failure;
      progress.phase = 'catching up';
      await pause(delay, undefined, { signal }).catch(() => undefined);
      delay = Math.min(delay * 2, longestDelay);
    }
  }
}

/** One subscription of the client, from its opening until it breaks, is aborted, or changes its phase. */
async function* session(source: Source, progress: Progress): AsyncGenerator<Batch, void, undefined> {
  progress.begin(await source.head());
  const arrivals = new Arrivals(await source.open(progress.phase === 'live'), source.signal);
  try {
    for (;;) {
      if (source.twoPhases && progress.vague && (await isBehind(source, progress, arrivals))) return;
      const first = await arrivals.next();
      if (first === undefined) return;
      const batch = progress.gather(first, arrivals, source.batchSize);
      if (batch !== undefined) yield batch;
      const { nextPhase } = progress;
      if (nextPhase !== undefined) {
        progress.phase = nextPhase;
        if (source.twoPhases) return;
      }
    }
  } finally {
    await arrivals.close();
  }
}

/**
 * Whether something has gone by untold, for it did not match: of that a subscription is told that is opened again.
 * As long as something arrives nobody asks.
 */
async function isBehind(source: Source, progress: Progress, arrivals: Arrivals): Promise<boolean> {
  await arrivals.within(vagueMs);
  if (!arrivals.isEmpty || source.signal.aborted) return false;
  progress.vague = !progress.isPast(await source.head());
  return progress.vague;
}

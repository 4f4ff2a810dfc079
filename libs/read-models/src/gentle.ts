import { setTimeout as pause } from 'node:timers/promises';
import type { Batch } from '#eventsourcing';
import { Turn } from './turn.js';

/** So many events are folded without a pause: some milliseconds of one core. */
const atOnce = 250;
const longestRest = 500;
/** All that is done gently in a process shares the same half of its time. */
const turn = new Turn();

/** A batch in pieces that keep nobody waiting for long. */
export function* parts(batch: Batch): Generator<Batch> {
  const { events, position, caughtUp } = batch;
  let first = 0;
  for (; first + atOnce < events.length; first += atOnce) {
    const some = events.slice(first, first + atOnce);
    yield { events: some, position: some.at(-1)?.position ?? position, caughtUp: false };
  }
  yield { events: events.slice(first), position, caughtUp };
}

/** Does a piece of work, unless the signal is aborted, and then rests for as long as it took. */
export const resting = (signal: AbortSignal, work: () => Promise<void>): Promise<void> =>
  turn.take(async () => {
    if (signal.aborted) return;
    const start = performance.now();
    await work();
    const took = performance.now() - start;
    await pause(Math.min(took, longestRest), undefined, { signal }).catch(() => undefined);
  });

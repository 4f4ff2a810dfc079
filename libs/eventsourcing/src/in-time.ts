import { StoreUnavailable } from './event-store.js';

const ticksOfAll = 10;
const longestAnswer = 5_000;

/**
 * What is promised, if that is soon enough: what hangs is as good as what is not there. Time in which this process
 * itself stood still counts as a tenth of it at most.
 * @param silence what is said of one that does not answer
 * @param ms how long is waited, in milliseconds @throws StoreUnavailable after it
 */
export async function inTime<T>(promised: Promise<T>, silence: string, ms = longestAnswer): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    let ticks = 0;
    timer = setInterval(() => {
      if (++ticks === ticksOfAll) reject(new StoreUnavailable(silence));
    }, ms / ticksOfAll);
  });
  return Promise.race([promised, late]).finally(() => {
    clearInterval(timer);
  });
}

/** A signal that must be let go of when nothing waits for it any more. */
export interface TimeLimit {
  readonly signal: AbortSignal;
  readonly release: () => void;
}

/**
 * Aborted after so many milliseconds, or with another signal. In the place of `AbortSignal.timeout` in
 * `AbortSignal.any`: Node 20 may collect the first as garbage before it is over, and keeps something of what the second
 * makes for as long as the other signal lives.
 */
export function timeLimit(ms: number, other: AbortSignal): TimeLimit {
  const over = new AbortController();
  const end = (): void => {
    over.abort();
  };
  const timer = setTimeout(end, ms);
  other.addEventListener('abort', end);
  if (other.aborted) end();
  return {
    signal: over.signal,
    release: () => {
      clearTimeout(timer);
      other.removeEventListener('abort', end);
    },
  };
}

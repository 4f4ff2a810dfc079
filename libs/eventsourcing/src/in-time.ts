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

import { StoreUnavailable } from '#eventsourcing';

/** How long the databases may take to answer: one that hangs is one that is not there. */
const longestAnswer = { ticks: 10, ms: 500 };

/**
 * What is promised, if that is soon enough; time in which this process itself stood still counts as one tick.
 * @throws StoreUnavailable after 5 s
 */
export async function answered<T>(promised: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, reject) => {
    let ticks = 0;
    timer = setInterval(() => {
      if (++ticks === longestAnswer.ticks) reject(new StoreUnavailable('the databases do not answer'));
    }, longestAnswer.ms);
  });
  return Promise.race([promised, silence]).finally(() => {
    clearInterval(timer);
  });
}

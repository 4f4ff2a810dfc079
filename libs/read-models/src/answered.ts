import { StoreUnavailable } from '#eventsourcing';

/** How long the databases may take to answer, in milliseconds: one that hangs is one that is not there. */
const longestAnswer = 5_000;

/** What is promised, if that is soon enough. @throws StoreUnavailable after 5 s */
export async function answered<T>(promised: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new StoreUnavailable('the databases do not answer'));
    }, longestAnswer);
  });
  return Promise.race([promised, silence]).finally(() => {
    clearTimeout(timer);
  });
}

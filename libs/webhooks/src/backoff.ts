/** After so many attempts a delivery has failed; they spread over a little more than a day. */
export const mostAttempts = 8;

const firstDelay = 5_000;
const growth = 5;
const jitter = 0.2;

/** How long to wait after the n-th attempt that failed, in milliseconds; undefined after the last. */
export type Backoff = (attempt: number) => number | undefined;

/**
 * About 5 s, 25 s, 2 min, 10 min, 52 min, 4.3 h and 22 h, each a fifth more or less by chance, so that
 * what failed together does not come back together.
 * @param random from 0 to 1
 */
export function backoff(attempt: number, random: () => number = Math.random): number | undefined {
  if (attempt >= mostAttempts) return undefined;
  return Math.round(firstDelay * growth ** (attempt - 1) * (1 - jitter + 2 * jitter * random()));
}

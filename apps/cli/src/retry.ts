import { setTimeout as delay } from 'node:timers/promises';
import { ServerUnreachable } from './errors.js';
import { ProblemAnswer } from './problem.js';

export interface RetryOptions {
  /** How long one outage may last before it is given up, in milliseconds. */
  readonly giveUpAfter: number;
  /** The first pause in milliseconds; it doubles up to five seconds, or stays when it is longer. */
  readonly firstPause?: number;
  /** Ends the trying at once. */
  readonly signal: AbortSignal;
  /** Called before each pause. */
  readonly onFailure?: (error: Error) => void;
}

const longestPause = 5_000;

/** Calls until it succeeds, as long as failing may pass. @throws the last error */
export const withRetries = async <T>(call: () => Promise<T>, options: RetryOptions): Promise<T> => {
  const deadline = performance.now() + options.giveUpAfter;
  for (let pause = options.firstPause ?? 100; ; pause = Math.max(pause, Math.min(pause * 2, longestPause))) {
    try {
      return await call();
    } catch (error) {
      if (!mayPass(error) || options.signal.aborted || performance.now() > deadline) throw error;
      options.onFailure?.(error);
      const advised = error instanceof ProblemAnswer ? (error.retryAfterSeconds ?? 0) * 1000 : 0;
      await delay(Math.max(pause, Math.min(advised, longestPause)), undefined, {
        signal: options.signal,
      }).catch(() => undefined);
    }
  }
};

const mayPass = (error: unknown): error is ServerUnreachable | ProblemAnswer =>
  error instanceof ServerUnreachable || (error instanceof ProblemAnswer && error.retryable);

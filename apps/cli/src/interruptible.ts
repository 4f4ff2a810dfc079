import { exitCode } from './errors.js';

/**
 * Does work that Ctrl-C ends quietly: the signal is aborted, and the exit code is 130 whatever the work answers
 * then. A second Ctrl-C ends the process at once.
 */
export const interruptible = async (work: (signal: AbortSignal) => Promise<number>): Promise<number> => {
  const stop = new AbortController();
  const interrupt = (): void => {
    stop.abort();
  };
  process.once('SIGINT', interrupt);
  try {
    const code = await work(stop.signal);
    return stop.signal.aborted ? exitCode.interrupted : code;
  } catch (error) {
    if (stop.signal.aborted) return exitCode.interrupted;
    throw error;
  } finally {
    process.off('SIGINT', interrupt);
    // What work that failed has left under way would keep the process from ending.
    stop.abort();
  }
};

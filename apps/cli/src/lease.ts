import { hostname } from 'node:os';
import type { Api } from './api.js';
import { ProblemAnswer } from './problem.js';

/** Often enough for a command to hear of its cancellation soon; the server stores but few of them. Milliseconds. */
const heartbeatEvery = 5_000;
const mostSeconds = 3_600;
/** What is left of a lease when an outage begins is longer than the outages that are sat through, in seconds. */
const spare = 60;
/** A heartbeat that is not stored leaves so much of a lease (docs/workers.md). */
const leastLeft = 0.75;

/** Who may hold a lease (docs/workers.md); others record their commands without. */
const workers = new Set(['worker', 'operator', 'admin']);

/** What to ask for when a run is created; nothing, where the caller's role has no leases. @throws CliError */
export const leaseToAsk = async (
  api: Api,
  giveUpAfter: number,
): Promise<{ lease?: { worker_id: string; lease_seconds: number } }> => {
  const { role } = await api.call<{ role: string }>('GET', '/v1/me');
  if (!workers.has(role)) return {};
  const lease_seconds = Math.min(mostSeconds, Math.ceil((giveUpAfter / 1000 + spare) / leastLeft));
  return { lease: { worker_id: `exec@${hostname()}:${process.pid}`.slice(-200), lease_seconds } };
};

/**
 * Prolongs the lease of a run until it is told to stop, before the end of the run is sent: one behind it would find the
 * lease lost. A heartbeat that fails is followed by the next.
 * @param onLost called once, with the status that the run has, when the run is no longer this process's
 * @returns stops it
 */
export const keepLease = (
  api: Api,
  run: { readonly id: string; readonly lease_id: string },
  onLost: (status: string) => void,
): (() => void) => {
  const stop = new AbortController();
  let underWay = false;
  const timer = setInterval(() => {
    if (underWay) return;
    underWay = true;
    const request = { body: { lease_id: run.lease_id }, signal: stop.signal };
    api
      .call('POST', `/v1/runs/${run.id}/heartbeat`, request)
      .catch((error: unknown) => {
        const status = error instanceof ProblemAnswer ? error.problem.run_status : undefined;
        if (status === undefined || stop.signal.aborted) return;
        clearInterval(timer);
        onLost(status);
      })
      .finally(() => (underWay = false));
  }, heartbeatEvery);
  return () => {
    clearInterval(timer);
    stop.abort();
  };
};

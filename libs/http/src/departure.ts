import type { RequestContext } from './context.js';

/** Aborted when the client has gone away, or has its answer: there is nobody to do anything more for. */
export function departure({ reply: { raw } }: RequestContext): AbortSignal {
  const gone = new AbortController();
  raw.once('close', () => {
    gone.abort();
  });
  if (raw.destroyed) gone.abort();
  return gone.signal;
}

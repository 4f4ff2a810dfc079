import type { RequestContext } from './context.js';

/** How often it is asked whether the caller may still call, in milliseconds. */
const askEvery = 500;

/**
 * Aborted when there is nobody to do anything more for: the client has gone away or has its answer, or its key
 * was revoked or has expired while it waited.
 */
export function departure(ctx: RequestContext): AbortSignal {
  const { raw } = ctx.reply;
  const gone = new AbortController();
  const asking = setInterval(() => void confirm(ctx, gone), askEvery);
  const end = (): void => {
    clearInterval(asking);
    gone.abort();
  };
  raw.once('close', end);
  if (raw.destroyed) end();
  return gone.signal;
}

/**
 * Aborted when it is waited no longer for what the answer tells: as `departure`, or because the server stops. The
 * answer then tells what is so by now.
 */
export function patience(ctx: RequestContext): AbortSignal {
  // Not `AbortSignal.any`: Node 20 keeps what it makes of a signal for as long as that signal lives.
  const over = new AbortController();
  const end = (): void => {
    ctx.closing.removeEventListener('abort', end);
    over.abort();
  };
  departure(ctx).addEventListener('abort', end, { once: true });
  ctx.closing.addEventListener('abort', end);
  if (ctx.closing.aborted) end();
  return over.signal;
}

/** Who cannot be asked for is waited with: the answer tells nothing new, and the next request is asked for again. */
async function confirm(ctx: RequestContext, gone: AbortController): Promise<void> {
  if ((await Promise.resolve(ctx.stillValid?.()).catch(() => undefined)) === false) gone.abort();
}

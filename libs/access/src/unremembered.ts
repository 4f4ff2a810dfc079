import type { RequestContext } from '#http';

/** Keeps a member of the answer out of what an Idempotency-Key replays: a secret is nowhere stored in clear. */
export function rememberWithout(ctx: RequestContext, member: string): void {
  const { remember } = ctx;
  if (remember === undefined) return;
  ctx.remember = (answer) => {
    if (answer.status >= 300) return remember(answer);
    const { [member]: _secret, ...rest } = JSON.parse(answer.body) as Record<string, unknown>;
    return remember({ ...answer, body: JSON.stringify(rest) });
  };
}

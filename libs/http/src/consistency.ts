import type { EventStore } from '#eventsourcing';
import type { RequestContext } from './context.js';
import { ProblemError } from './problems.js';

/** How long a read waits for its token, in milliseconds. */
const patience = 5_000;
const form = /^ct1\.[0-9a-f]{1,16}$/;

/** Knows how far the read models have come. */
export abstract class ReadModelClock {
  /** Whether a projection has seen everything up to a position, waiting for it as long as allowed. */
  abstract reached(projection: string, position: bigint, timeoutMs: number): Promise<boolean>;
}

/** The opaque token of a position in the event store. */
export const consistencyToken = (position: bigint): string => `ct1.${position.toString(16)}`;

/** @throws ProblemError invalid_consistency_token */
export function positionOf(token: string): bigint {
  if (!form.test(token)) {
    throw new ProblemError(
      'invalid_consistency_token',
      'The consistency token is not one that a change answered with.',
    );
  }
  return BigInt(`0x${token.slice(4)}`);
}

/** Waits until a projection has what the client's token stands for. @throws ProblemError projection_lagging after 5 s */
export async function waitFor(clock: ReadModelClock, ctx: RequestContext, projection: string): Promise<void> {
  if (ctx.mustReach !== undefined) await reach(clock, ctx.mustReach, projection);
}

/**
 * Waits until a projection has what the client's token stands for, and what a policy does because of it.
 * @throws ProblemError projection_lagging after 5 s
 */
export async function waitForPolicy(
  clock: ReadModelClock,
  store: EventStore,
  ctx: RequestContext,
  policy: string,
  projection: string,
): Promise<void> {
  if (ctx.mustReach === undefined) return;
  await reach(clock, ctx.mustReach, policy);
  // A policy says that it has come somewhere when what it does about it is stored.
  await reach(clock, await store.head(), projection);
}

/** Waits until a projection has come to a position. @throws ProblemError projection_lagging after 5 s */
export async function reach(clock: ReadModelClock, position: bigint, projection: string): Promise<void> {
  if (await clock.reached(projection, position, patience)) return;
  throw new ProblemError(
    'projection_lagging',
    'The read model has not come to the consistency token within 5 s.',
  );
}

/**
 * Gives the answer to a change its Consistency-Token.
 * @param position from the command's outcome; undefined when there is none: then the newest that this process has written
 */
export function changed(ctx: RequestContext, position: bigint | undefined): void {
  const { written } = ctx;
  if (position !== undefined && (written.position === undefined || position > written.position)) {
    written.position = position;
  }
  const known = position ?? written.position;
  if (known !== undefined) void ctx.reply.header('consistency-token', consistencyToken(known));
}

import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { Causation, Streams } from '#eventsourcing';
import { ClaimCandidates } from './claim-candidates.js';
import type { ClaimRunsBody } from './claim.bodies.js';
import { claimRun, leaseFrom } from './lease.decider.js';
import { News } from './news.js';
import { PendingFeed } from './pending-feed.js';
import type { PendingRun } from './pending-runs.js';
import type { RunState } from './run.decider.js';
import { runDecider } from './run.decider.js';
import { runStream } from './run.events.js';
import { matches } from './run-matches.js';
import { RunWrites } from './run-writes.js';

/** While not all pending runs are in memory, a claim that waits looks again this often, in milliseconds. */
const lookEvery = 1_000;

/** One claim takes no more once the runs that it has taken fill this, in bytes of memory: they are all answered at once. */
const mostBytes = 64 * 1024 * 1024;

/** What is left of that. */
interface Room {
  bytes: number;
}

export interface Claimed {
  readonly run: RunState;
  readonly position: bigint;
}

export class ClaimRuns extends Command<Claimed[]> {
  /** @param gone aborted when there is nobody any more to claim for */
  constructor(
    readonly body: ClaimRunsBody,
    readonly causation: Causation,
    readonly gone: AbortSignal,
  ) {
    super();
  }
}

/**
 * Starts the oldest pending runs of the project under a lease. Each is claimed by an event in its own stream:
 * of two claims the one that is stored first has it. @throws StoreUnavailable
 */
@CommandHandler(ClaimRuns)
export class ClaimRunsHandler implements ICommandHandler<ClaimRuns> {
  constructor(
    private readonly feed: PendingFeed,
    private readonly candidates: ClaimCandidates,
    private readonly streams: Streams,
    private readonly writes: RunWrites,
  ) {}

  async execute({ body, causation, gone }: ClaimRuns): Promise<Claimed[]> {
    const deadline = Date.now() + body.wait_seconds * 1_000;
    const { projectId } = causation.principal;
    await this.feed.ready();
    const written = this.writes.newest;
    const news = new News([gone, this.feed.closed]);
    const stop = this.feed.listen((run) => {
      if (run.project_id === projectId && matches(body.filter ?? {}, run)) news.arrived();
    });
    try {
      for (;;) {
        const claimed = await this.take(body, renewed(causation), news);
        if (claimed.length > 0) return claimed;
        if (await this.feed.catchesUp(written)) continue;
        const left = deadline - Date.now();
        if (left <= 0 || news.over) return claimed;
        await news.wait(this.feed.complete ? left : Math.min(left, lookEvery));
        if (!this.feed.complete) await this.feed.ready();
      }
    } finally {
      stop();
    }
  }

  private async take(body: ClaimRunsBody, causation: Causation, news: News): Promise<Claimed[]> {
    const claimed: Claimed[] = [];
    const room = { bytes: mostBytes };
    let failure: PromiseRejectedResult | undefined;
    const tried = new Set<string>();
    while (claimed.length < body.max && room.bytes > 0 && !news.over) {
      const left = body.max - claimed.length;
      const runs = await this.candidates.reserve(causation.principal, body.filter ?? {}, left, tried);
      if (runs.length === 0) break;
      for (const { id } of runs) tried.add(id);
      const results = await Promise.allSettled(
        runs.map((run) => this.claim(run, body, causation, news, room)),
      );
      for (const result of results) {
        if (result.status === 'fulfilled') claimed.push(...result.value);
        else failure = result;
      }
    }
    // What was claimed must be handed out, whatever became of the rest.
    if (claimed.length === 0 && failure !== undefined) throw failure.reason;
    return claimed.sort((a, b) => (a.run.id < b.run.id ? -1 : 1));
  }

  private async claim(
    candidate: PendingRun,
    { worker_id, lease_seconds: seconds, filter }: ClaimRunsBody,
    causation: Causation,
    news: News,
    room: Room,
  ): Promise<Claimed[]> {
    try {
      if (!(await this.candidates.hasTurn(candidate)) || news.over) return [];
      const lease = leaseFrom(causation.milliseconds, { lease_id: causation.mint(), worker_id, seconds });
      const stream = runStream(candidate.id);
      if (!fits(await this.streams.glance(runDecider, stream), room)) return [];
      const outcome = await this.streams.execute(runDecider, stream, causation, (now) =>
        now !== undefined && matches(filter ?? {}, now) ? claimRun(now, lease) : [],
      );
      const { state: run, events, position } = outcome;
      if (run?.status !== 'pending') this.candidates.settle(candidate);
      if (run === undefined || position === undefined || events.length === 0) return [];
      this.writes.wrote(run, position);
      return [{ run, position }];
    } finally {
      this.candidates.release(candidate);
    }
  }
}

/** Time goes on while a claim waits: each attempt is a command of its own, made now, of the same correlation. */
const renewed = ({ principal, id, options: { correlationId = id, traceparent } }: Causation): Causation =>
  new Causation(principal, { correlationId, ...(traceparent !== undefined && { traceparent }) });

/** Whether there is room for a run, which then takes it. */
function fits(run: RunState | undefined, room: Room): boolean {
  if (room.bytes <= 0) return false;
  if (run !== undefined) room.bytes -= runDecider.weigh?.(run) ?? 0;
  return true;
}

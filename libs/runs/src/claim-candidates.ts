import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { Principal } from '#eventsourcing';
import { Streams } from '#eventsourcing';
import { Database } from '#read-models';
import { SessionBudgets, sessionStream } from '#sessions';
import { PendingFeed } from './pending-feed.js';
import { storedWanted } from './pending-rows.js';
import type { PendingRun } from './pending-runs.js';
import type { RunFilter } from './run.filter.js';
import { matches } from './run-matches.js';
import { holderBefore } from './turn.js';

/** Which pending runs a claim may try: one run is tried by one claim of this process at a time. */
@Injectable()
export class ClaimCandidates {
  private readonly claiming = new Set<string>();
  /** Runs that were just tried: the read model may still take them for pending. */
  private readonly settled = new LRUCache<string, true>({ max: 20_000, ttl: 5_000 });

  constructor(
    private readonly feed: PendingFeed,
    private readonly database: Database,
    private readonly streams: Streams,
    private readonly budgets: SessionBudgets,
  ) {}

  /**
   * Sets aside the oldest runs that the filter wants; each must be released.
   * @param tried runs that are not wanted a second time
   */
  async reserve(
    principal: Principal,
    filter: RunFilter,
    limit: number,
    tried: ReadonlySet<string>,
  ): Promise<PendingRun[]> {
    const free = ({ id }: PendingRun): boolean => !this.claiming.has(id) && !tried.has(id);
    const wanted = (run: PendingRun): boolean => free(run) && matches(filter, run);
    let runs = this.feed.pending.oldest(principal.projectId, wanted, limit, filter.source);
    if (!this.feed.complete) {
      const stored = await this.stored(principal, filter, limit, free);
      const all = new Map([...stored, ...runs].map((run) => [run.id, run]));
      runs = [...all.values()].filter(free).sort(byAge).slice(0, limit);
    }
    for (const { id } of runs) this.claiming.add(id);
    return runs;
  }

  /** The run is nobody's concern any more: it was claimed, or is no longer pending. */
  settle({ id }: PendingRun): void {
    this.settled.set(id, true);
    this.feed.pending.remove(id);
  }

  /** Lets others try the run, should it still be there. */
  release({ id }: PendingRun): void {
    this.claiming.delete(id);
    this.feed.announce(id);
  }

  /**
   * Whether no run that it was enqueued behind is left, and its session is not paused; else it is left aside until
   * the next one ends, or the session is resumed.
   */
  async hasTurn(run: PendingRun): Promise<boolean> {
    for (;;) {
      const obstacle = await this.obstacle(run);
      if (obstacle === undefined) return true;
      this.feed.pending.block(run.id, obstacle);
      // It may have gone before it was noted who waits for it: nobody would tell.
      if ((await this.obstacle(run)) === obstacle) return false;
      this.feed.pending.unblock(run.id);
    }
  }

  /** A run that holds the session still, or the stream of the session that is paused. */
  private async obstacle({ behind, session_id }: PendingRun): Promise<string | undefined> {
    const holder = await holderBefore(this.streams, { behind });
    if (holder !== undefined || session_id === null) return holder;
    return (await this.budgets.isPaused(session_id)) ? sessionStream(session_id) : undefined;
  }

  private async stored(
    principal: Principal,
    filter: RunFilter,
    limit: number,
    free: (run: PendingRun) => boolean,
  ): Promise<PendingRun[]> {
    const runs: PendingRun[] = [];
    for await (const run of storedWanted(this.database, filter, principal)) {
      if (free(run) && !this.settled.has(run.id) && !this.feed.pending.isBlocked(run.id)) runs.push(run);
      if (runs.length === limit) break;
    }
    return runs;
  }
}

const byAge = (a: PendingRun, b: PendingRun): number => (a.id < b.id ? -1 : 1);

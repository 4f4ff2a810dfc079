import { setMaxListeners } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import type { Fact, RecordedEvent } from '#eventsourcing';
import { EventStore, StoreUnavailable, Streams, Upcasters } from '#eventsourcing';
import { Database, ReadModelClock } from '#read-models';
import { type SessionResumed, sessionStream } from '#sessions';
import { Occasions } from './news.js';
import { PendingRuns, type PendingRun } from './pending-runs.js';
import { pendingOf, storedPending } from './pending-rows.js';
import { runDecider, type RunState } from './run.decider.js';
import type { RunFact } from './run.events.js';
import { runStream } from './run.events.js';

/** How long the first claim waits for the feed to have caught up, in milliseconds. */
const patience = 5_000;
/** How long a claim that found nothing waits for what this process has just written, in milliseconds. */
const shortPatience = 500;
const retryEvery = 500;
/** Of sessions it is told when they are resumed. */
const prefixes = [runStream(''), sessionStream('')];
/** After not all pending runs found room, they are read again at most this often, in milliseconds. */
const refillEvery = 1_000;

/**
 * Knows the pending runs of all projects, from the read model once and from the event store ever after: one
 * subscription for all claims of this process, begun with the first. What does not fit into memory is left
 * to the read model, and `complete` is false.
 */
@Injectable()
export class PendingFeed implements OnModuleDestroy {
  private readonly listeners = new Set<(run: PendingRun) => void>();
  private readonly closing = new AbortController();
  private readonly logger = new Logger('PendingFeed');
  private readonly upcasters = new Upcasters();
  /** Up to where the events are known; undefined before it has begun. */
  private position: bigint | undefined;
  private caughtUp = false;
  private readonly moves = new Occasions(this.closing.signal);
  /** While the read model is being read: the runs that changed meanwhile. */
  private moved: Set<string> | undefined;
  private known = false;
  private overflowed = false;
  private filling: Promise<void> | undefined;
  private filledAt = 0;

  constructor(
    private readonly store: EventStore,
    private readonly streams: Streams,
    private readonly database: Database,
    private readonly clock: ReadModelClock,
    readonly pending: PendingRuns,
  ) {
    // Every claim that waits listens to it.
    setMaxListeners(0, this.closing.signal);
  }

  /** Aborted when the server stops. */
  get closed(): AbortSignal {
    return this.closing.signal;
  }

  /** Whether every pending run is in memory. */
  get complete(): boolean {
    return this.known && this.caughtUp;
  }

  onModuleDestroy(): void {
    this.closing.abort();
  }

  /** Begins to follow, if nobody has yet; resolves when the feed can be asked. @throws StoreUnavailable */
  async ready(): Promise<void> {
    if (this.complete) return;
    if (this.position === undefined) await this.begin();
    if (!this.caughtUp) {
      if (!this.known) await this.fill();
      if (await this.moves.until(() => this.caughtUp, patience)) return;
      throw new StoreUnavailable('the newest runs are not known yet');
    } else if (this.pending.roomy && Date.now() - this.filledAt >= refillEvery) {
      this.fill().catch((error: unknown) => {
        this.logger.error(`pending runs cannot be read: ${String(error)}`);
      });
    }
  }

  /** Tells of each run that may be claimed from now on. @returns what ends it */
  listen(listener: (run: PendingRun) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Tells the listeners of a run that is there to be claimed, if it is. */
  announce(id: string): void {
    const run = this.pending.get(id);
    if (run === undefined || this.pending.isBlocked(id)) return;
    for (const listener of [...this.listeners]) listener(run);
  }

  /**
   * Waits until the feed knows what this process wrote up to a position.
   * @returns false when it knew that already, or does not come to it
   */
  async catchesUp(written: bigint): Promise<boolean> {
    const knows = (): boolean => (this.position ?? 0n) >= written;
    return !knows() && this.moves.until(knows, shortPatience);
  }

  /** Where there is no read model yet, the events alone tell of every run. */
  private async begin(): Promise<void> {
    const position = await this.clock.position('runs');
    if (this.position !== undefined) return;
    this.known = position === undefined;
    this.position = position ?? 0n;
    void this.follow();
  }

  private async follow(): Promise<void> {
    const { signal } = this.closing;
    while (!signal.aborted) {
      try {
        const from = this.position ?? 0n;
        for await (const batch of this.store.subscribeAll({ after: from, prefixes, signal })) {
          const events = batch.events.map((event) => this.upcasters.upcast(event));
          const requeued = await this.requeued(events);
          for (const event of events) this.learn(event, requeued);
          this.position = batch.position;
          this.caughtUp ||= batch.caughtUp;
          this.moves.happened();
        }
      } catch (error) {
        this.logger.error(`pending runs cannot be followed: ${String(error)}; trying again`);
        await pause(retryEvery, undefined, { signal, ref: false }).catch(() => undefined);
      }
    }
  }

  /** The runs that were requeued, as they are now: their events do not say what filters ask for. */
  private async requeued(events: readonly RecordedEvent[]): Promise<Map<string, RunState>> {
    const ids = new Set(events.filter(({ type }) => type === 'RunRequeued').map(idOf));
    return new Map((await this.loaded([...ids])).map((run) => [run.id, run]));
  }

  private async loaded(ids: readonly string[]): Promise<RunState[]> {
    const loaded = await Promise.all(ids.map((id) => this.streams.load(runDecider, runStream(id))));
    return loaded.flatMap(({ state }) => state ?? []);
  }

  private learn(event: RecordedEvent, requeued: ReadonlyMap<string, RunState>): void {
    const fact = event as Fact as RunFact | SessionResumed;
    const id = idOf(event);
    switch (fact.type) {
      case 'SessionResumed':
        this.freed(event.stream);
        return;
      case 'RunCreated':
        this.found(runDecider.evolve(undefined, fact, event));
        return;
      case 'RunRequeued':
        this.found(requeued.get(id));
        return;
      case 'RunUpdated':
        this.moved?.add(id);
        if (fact.data.metadata !== undefined && this.pending.update(id, fact.data.metadata))
          this.announce(id);
        return;
      case 'RunStarted':
        this.moved?.add(id);
        this.pending.remove(id);
        return;
      case 'RunCompleted':
      case 'RunFailed':
      case 'RunCancelled':
        this.moved?.add(id);
        this.pending.remove(id);
        this.freed(id);
        return;
      default:
    }
  }

  private freed(obstacle: string): void {
    for (const run of this.pending.free(obstacle)) this.announce(run.id);
  }

  private found(run: RunState | undefined): void {
    if (run?.status !== 'pending') return;
    if (this.pending.add(pendingOf(run))) this.announce(run.id);
    else this.overflow();
  }

  private overflow(): void {
    this.known = false;
    this.overflowed = true;
  }

  private async fill(): Promise<void> {
    this.filling ??= this.fillNow().finally(() => (this.filling = undefined));
    await this.filling;
  }

  /** Takes the pending runs over from the read model; what changes meanwhile is asked of its own stream. */
  private async fillNow(): Promise<void> {
    this.filledAt = Date.now();
    if (!(await this.clock.reached('runs', this.position ?? 0n, patience))) return;
    const moved = (this.moved = new Set<string>());
    this.overflowed = false;
    try {
      for await (const runs of storedPending(this.database)) {
        const doubtful = runs.filter(({ id }) => moved.has(id)).map(({ id }) => id);
        const sure = runs.filter(({ id }) => !moved.has(id));
        const asked = (await this.loaded(doubtful))
          .filter(({ status }) => status === 'pending')
          .map(pendingOf);
        for (const run of [...sure, ...asked]) if (!this.pending.add(run)) this.overflow();
        if (this.overflowed as boolean) return;
      }
      this.known = true;
    } finally {
      this.moved = undefined;
    }
  }
}

const idOf = ({ stream }: RecordedEvent): string => stream.slice('run-'.length);

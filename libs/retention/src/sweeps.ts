import { setTimeout as pause } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { byService, EventStore, Streams } from '#eventsourcing';
import { vacuumWhenMuchIsDead } from '#postgres';
import { Database, ReadModelClock } from '#read-models';
import { Archiver } from './archiver.js';
import { BatchRemoval } from './batch-removal.js';
import { batches } from './batches.js';
import { planned } from './planner.js';
import { type RetainedContent, RetainedContents } from './retained-content.js';
import { RetentionRules } from './retention-rules.js';
import {
  carryOutBatch,
  decideBatch,
  endSweep,
  type Sweep,
  startSweep,
  type SweepState,
  sweepDecider,
} from './sweep.decider.js';
import { type SweepBatch, type SweepFact, sweepStream } from './sweep.events.js';

/** How long is waited for a projection, in milliseconds. */
const patience = 30_000;
/** How long the pause behind a batch is, in times of how long the batch took. */
const restFor = 1.5;
/** The longest pause between two batches, in milliseconds. */
const longestPause = 1_000;

/** Removes what is due. Each batch is written down before it is begun, so that another process can go on with it. */
@Injectable()
export class Sweeps {
  constructor(
    private readonly streams: Streams,
    private readonly store: EventStore,
    private readonly database: Database,
    private readonly clock: ReadModelClock,
    private readonly rules: RetentionRules,
    private readonly contents: RetainedContents,
    private readonly archiver: Archiver,
    private readonly removal: BatchRemoval,
  ) {}

  /**
   * Carries a sweep out that was asked for, or what is left of it. What cannot be archived is left where it
   * is, and told when the sweep ends. @param signal ends the work between two batches
   * @throws StoreUnavailable; the signal's reason
   */
  async carryOut(project: string, id: string, signal: AbortSignal): Promise<void> {
    const { state } = await this.streams.load(sweepDecider, sweepStream(project));
    if (state?.id !== id || state.status !== 'running') return;
    const failed = new Map<string, string>();
    if (state.batch !== null) await this.finish(state, failed);
    await this.settled();
    const now = Date.now();
    if (!state.started) await this.start(state, now);
    let pieces = 0;
    for (const content of this.contents.all) {
      for await (const batch of batches(content.kind, await this.due(content, project, now))) {
        signal.throwIfAborted();
        if (failed.has(ruleName(batch))) continue;
        const start = Date.now();
        const decided = await this.decide(state, (sweep) => decideBatch(sweep, id, batch));
        if (decided?.batch != null) await this.finish(decided, failed);
        pieces += batch.pieces;
        // Most of the time is left to others.
        await pause(Math.min(restFor * (Date.now() - start), longestPause), undefined, { signal });
      }
    }
    await this.reclaim(pieces);
    const [error] = failed.values();
    await this.decide(state, (sweep) => endSweep(sweep, id, error));
  }

  /** Whether there is anything to remove in a project. @throws StoreUnavailable */
  async anyDue(project: string): Promise<boolean> {
    for (const content of this.contents.all) {
      for await (const _due of await this.due(content, project, Date.now())) return true;
    }
    return false;
  }

  /** Waits until the read models show what was stored until now, as far as they come in time. */
  async settled(): Promise<boolean> {
    const head = await this.store.head();
    const names = ['retention', 'runs', 'sessions', ...this.contents.all.map(({ projection }) => projection)];
    const reached = await Promise.all(names.map((name) => this.clock.reached(name, head, patience)));
    return !reached.includes(false);
  }

  /** Has the databases give back what is free now, where that is much. */
  private async reclaim(removed: number): Promise<void> {
    if (removed === 0) return;
    await this.store.reclaim(removed);
    const tables = this.contents.all.flatMap((content) => content.tables);
    await vacuumWhenMuchIsDead(this.database.pool, tables, removed);
  }

  private async due(content: RetainedContent, project: string, now: number) {
    const [rules, holds] = await Promise.all([
      this.rules.of(project, content.kind),
      this.rules.holds(project),
    ]);
    return planned({ content, project, rules, holds, now });
  }

  private async start({ id, project_id }: SweepState, now: number): Promise<void> {
    let total = 0;
    for (const content of this.contents.all) {
      for await (const { removal } of await this.due(content, project_id, now)) {
        total += removal.through_seq - removal.after_seq;
      }
    }
    await this.decide({ project_id }, (sweep) => startSweep(sweep, id, total));
  }

  /** Carries out the batch that was decided on. @param failed why, by rule, what could not be archived */
  private async finish({ id, project_id, batch }: SweepState, failed: Map<string, string>): Promise<void> {
    if (batch === null) return;
    let archive: string | undefined;
    try {
      archive = await this.archived(project_id, id, batch);
    } catch (error) {
      failed.set(ruleName(batch), error instanceof Error ? error.message : String(error));
      const kept = batch.removals.map((removal) => removal.id);
      await this.decide({ project_id }, (sweep) => carryOutBatch(sweep, id, kept));
      return;
    }
    const { kept, position } = await this.removal.remove(project_id, id, batch, archive);
    await this.decide({ project_id }, (sweep) => carryOutBatch(sweep, id, kept, archive));
    const projection = this.contents.of(batch.kind)?.projection;
    if (projection !== undefined) await this.clock.reached(projection, position, patience);
  }

  private async archived(project: string, id: string, batch: SweepBatch): Promise<string | undefined> {
    const content = this.contents.of(batch.kind);
    if (batch.limits.action !== 'archive' || content === undefined) return undefined;
    return this.archiver.ensure(project, id, batch, content);
  }

  private async decide(
    { project_id }: Pick<SweepState, 'project_id'>,
    decision: (sweep: Sweep) => readonly SweepFact[],
  ): Promise<Sweep> {
    const stream = sweepStream(project_id);
    return (await this.streams.execute(sweepDecider, stream, byService(project_id), decision)).state;
  }
}

const ruleName = ({ kind, scope }: Pick<SweepBatch, 'kind' | 'scope'>): string => `${kind} ${scope}`;

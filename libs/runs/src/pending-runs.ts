import type { JsonObject } from '#eventsourcing';
import { shallowMerge } from '#eventsourcing';
import type { RunState } from './run.decider.js';
import type { Filterable } from './run-matches.js';

/** What a claim must know of a pending run to tell whether it may have it. */
export type PendingRun = Filterable & Pick<RunState, 'project_id' | 'behind'>;

interface Entry {
  run: PendingRun;
  /** A run that is known to hold the session still, or the stream of a session that is paused. */
  blockedBy?: string | undefined;
}

/** Bytes of a run beside its metadata and what it waits for, about. */
const fixedBytes = 1_000;

/** Pending runs in memory, the oldest of each project first, up to a bound. */
export class PendingRuns {
  private readonly entries = new Map<string, Entry>();
  /**
   * Ids by project, and by project and source, in order: they are version 7 UUIDs, so that this is the order
   * of creation. Workers most often ask by source, and must not look through the runs of all others.
   */
  private readonly queues = new Map<string, string[]>();
  private readonly behind = new Map<string, Set<string>>();
  private bytes = 0;

  /** @param most bytes, about */
  constructor(private readonly most: number) {}

  /** @returns false when there is no room for it */
  add(run: PendingRun): boolean {
    if (this.entries.has(run.id)) return true;
    if (this.bytes + weightOf(run) > this.most) return false;
    this.bytes += weightOf(run);
    this.entries.set(run.id, { run });
    for (const queue of queuesOf(run)) {
      const ids = this.queues.get(queue);
      if (ids === undefined) this.queues.set(queue, [run.id]);
      else ids.splice(placeOf(ids, run.id), 0, run.id);
    }
    return true;
  }

  get(id: string): PendingRun | undefined {
    return this.entries.get(id)?.run;
  }

  /** @param metadata merged key by key */
  update(id: string, metadata: JsonObject): PendingRun | undefined {
    const entry = this.entries.get(id);
    if (entry === undefined) return undefined;
    this.bytes -= weightOf(entry.run);
    entry.run = { ...entry.run, metadata: shallowMerge(entry.run.metadata, metadata) };
    this.bytes += weightOf(entry.run);
    return entry.run;
  }

  remove(id: string): void {
    const entry = this.entries.get(id);
    if (entry === undefined) return;
    this.unblock(id);
    this.entries.delete(id);
    this.bytes -= weightOf(entry.run);
    for (const queue of queuesOf(entry.run)) {
      const ids = this.queues.get(queue) ?? [];
      ids.splice(placeOf(ids, id), 1);
      if (ids.length === 0) this.queues.delete(queue);
    }
  }

  /** Leaves a run aside until what it waits for is over. */
  block(id: string, holder: string): void {
    const entry = this.entries.get(id);
    if (entry === undefined) return;
    this.unblock(id);
    entry.blockedBy = holder;
    this.behind.set(holder, (this.behind.get(holder) ?? new Set()).add(id));
  }

  unblock(id: string): void {
    const entry = this.entries.get(id);
    if (entry?.blockedBy === undefined) return;
    const ids = this.behind.get(entry.blockedBy);
    ids?.delete(id);
    if (ids?.size === 0) this.behind.delete(entry.blockedBy);
    entry.blockedBy = undefined;
  }

  isBlocked(id: string): boolean {
    return this.entries.get(id)?.blockedBy !== undefined;
  }

  /** A run is over, or a session resumed. @returns those that were left aside because of it */
  free(holder: string): PendingRun[] {
    const ids = [...(this.behind.get(holder) ?? [])];
    for (const id of ids) this.unblock(id);
    return ids.flatMap((id) => this.get(id) ?? []);
  }

  /**
   * The oldest runs of a project that are wanted and not left aside.
   * @param source only of this source, when given
   */
  oldest(
    project: string,
    wanted: (run: PendingRun) => boolean,
    limit: number,
    source?: string,
  ): PendingRun[] {
    const found: PendingRun[] = [];
    for (const id of this.queues.get(queueOf(project, source)) ?? []) {
      if (found.length === limit) break;
      const entry = this.entries.get(id);
      if (entry !== undefined && entry.blockedBy === undefined && wanted(entry.run)) found.push(entry.run);
    }
    return found;
  }

  /** Whether at least half of the room is free. */
  get roomy(): boolean {
    return this.bytes < this.most / 2;
  }
}

const queueOf = (project: string, source?: string | null): string =>
  source == null ? project : `${project} ${source}`;

const queuesOf = ({ project_id: project, source }: PendingRun): string[] =>
  source === null ? [queueOf(project)] : [queueOf(project), queueOf(project, source)];

const weightOf = ({ metadata, behind }: PendingRun): number =>
  fixedBytes + 2 * JSON.stringify(metadata).length + 40 * behind.length;

/** Where an id stands in an ordered list, or would have to. */
function placeOf(ids: readonly string[], id: string): number {
  let low = 0;
  let high = ids.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ids[middle] ?? '') < id) low = middle + 1;
    else high = middle;
  }
  return low;
}

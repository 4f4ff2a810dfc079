import type { Client } from 'pg';
import type { Batch } from '#eventsourcing';
import type { Filled, Filling } from './filling.js';
import { ProjectionBuild } from './projection-build.js';
import type { ReadModelClock } from './read-model-clock.js';
import type { RebuildJob, RebuildResult } from './rebuild-requests.js';
import { compareSchemas } from './table-comparison.js';
import { Turn } from './turn.js';

/** How long the serving tables are waited for at once, in milliseconds. */
const patience = 1_000;

/**
 * In a process one comparison is under way at a time: two would hold up those who write to the serving tables of both
 * for as long as both take.
 */
const comparing = new Turn();

/** The tables that serve, as those that are being built beside them see them. */
export interface Serving {
  readonly name: string;
  /** Up to here they have seen everything; stands still while the turn is held. */
  readonly position: bigint;
  /**
   * Puts what was built beside them in their place: by the connection that leads, for who has lost that may have
   * a successor, which already writes to them.
   */
  giveWay(): Promise<void>;
}

/**
 * Builds a projection anew beside the one that serves, until both stand at the very same position; then puts
 * it in its place, or compares the two. Nothing is written to the serving tables meanwhile, and no read notices.
 */
export class Rebuild {
  constructor(
    private readonly filling: Filling,
    private readonly serving: Serving,
    private readonly clock: ReadModelClock,
    /** Held by whoever writes to the serving tables. */
    private readonly turn: Turn,
  ) {}

  /**
   * @param client a connection of its own
   * @returns undefined when it was stopped before
   */
  async run(client: Client, job: RebuildJob, signal: AbortSignal): Promise<RebuildResult | undefined> {
    const started = Date.now();
    const filled = await this.filling.fill(client, signal, 'full');
    if (filled === undefined) return undefined;
    const rest = this.filling.batches(filled.position, signal);
    try {
      return await this.finish(client, filled, rest, job, started, signal);
    } finally {
      await rest.return(undefined);
    }
  }

  private async finish(
    client: Client,
    filled: Filled,
    rest: AsyncIterator<Batch>,
    { mode }: RebuildJob,
    started: number,
    signal: AbortSignal,
  ): Promise<RebuildResult | undefined> {
    const build = new ProjectionBuild(client, this.filling.projection, 'building');
    let { position, events } = filled;
    const advance = async (to?: bigint): Promise<boolean> => {
      const next = await rest.next();
      if (next.done === true) return false;
      const batch = to === undefined ? next.value : upTo(next.value, to);
      await build.take(batch);
      ({ position } = batch);
      events += batch.events.length;
      return true;
    };
    // What was stored while it was filled elsewhere, or the indexes were made.
    const behind = this.serving.position;
    while (position < behind) if (!(await advance())) return undefined;
    while (!(await this.clock.reached(this.serving.name, position, patience)))
      if (signal.aborted) return undefined;
    const end = async (): Promise<RebuildResult | undefined> => {
      const { name, position: last } = this.serving;
      while (position < last) if (!(await advance(last))) return undefined;
      if (signal.aborted) return undefined;
      if (mode === 'rebuild') {
        await this.serving.giveWay();
        return { events, milliseconds: Date.now() - started };
      }
      const tables = await compareSchemas(client, name, build.schema);
      await build.drop();
      return { events, milliseconds: Date.now() - started, tables };
    };
    const ending = (): Promise<RebuildResult | undefined> => this.turn.take(end);
    return mode === 'verify' ? comparing.take(ending) : ending();
  }
}

const upTo = (batch: Batch, position: bigint): Batch =>
  batch.position <= position
    ? batch
    : { ...batch, events: batch.events.filter((event) => event.position <= position), position };

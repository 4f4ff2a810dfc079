import { setTimeout as pause } from 'node:timers/promises';
import { type EventStore, inTime } from '#eventsourcing';
import { unavailable } from '#postgres';
import type { Database } from './database.js';
import { ProjectionRow } from './projection-row.js';
import type { Projection } from './projection.js';

export type ProjectionState = 'live' | 'catching_up' | 'rebuilding' | 'failing' | 'waiting';

/** How far a projection has come. */
export interface ProjectionStatus {
  readonly name: string;
  readonly version: number;
  /** `waiting`: no projector has taken it up yet; `failing`: its newest batch is being tried again. */
  readonly state: ProjectionState;
  readonly position: number;
  /** Positions between it and the head of the store; events of other projections' streams count too. */
  readonly lag_events: number;
  /** Milliseconds since it last moved, 0 when it has seen everything. */
  readonly lag_ms: number;
  /** Whether it has rows of its own, which can be built anew; a policy only reacts to events. */
  readonly rebuildable: boolean;
}

/** How often is looked whether the first builds are done, in milliseconds. */
const lookEvery = 20;

/** Reads how far all projections have come. */
export class ProjectionsStatus {
  constructor(
    private readonly database: Database,
    private readonly store: EventStore,
    readonly projections: readonly Projection[],
  ) {}

  /** @throws StoreUnavailable, after 5 s without an answer too */
  all(): Promise<ProjectionStatus[]> {
    return inTime(this.read(), 'the databases do not answer');
  }

  /** Waits until each projection has something that serves, no longer than so many milliseconds. @throws StoreUnavailable */
  async built(patience: number): Promise<void> {
    const deadline = Date.now() + patience;
    while ((await this.all()).some(({ state }) => state === 'waiting') && Date.now() < deadline)
      await pause(lookEvery);
  }

  private async read(): Promise<ProjectionStatus[]> {
    // The rows first: a head read later can only make the lag look larger, never negative.
    const rows = await this.database.orm
      .getRepository(ProjectionRow)
      .find()
      .catch((error: unknown) => {
        throw unavailable(error);
      });
    const head = await this.store.head();
    return this.projections.map((projection) => status(projection, rows, head));
  }
}

function status(
  { name, version, tables }: Projection,
  rows: readonly ProjectionRow[],
  head: bigint,
): ProjectionStatus {
  const of = (build: ProjectionRow['build']): ProjectionRow | undefined =>
    rows.find((row) => row.name === name && row.build === build);
  const [serving, building] = [of('serving'), of('building')];
  const position = BigInt(serving?.position ?? 0);
  const behind = head > position ? head - position : 0n;
  return {
    name,
    version: serving?.version ?? version,
    state: stateOf(serving, building, behind),
    position: Number(position),
    lag_events: Number(behind),
    rebuildable: tables !== '',
    lag_ms: behind === 0n || serving === undefined ? 0 : Math.max(0, Date.now() - serving.movedAt.getTime()),
  };
}

function stateOf(
  serving: ProjectionRow | undefined,
  building: ProjectionRow | undefined,
  behind: bigint,
): ProjectionState {
  if (serving === undefined) return 'waiting';
  if (building !== undefined) return 'rebuilding';
  if (serving.error !== null) return 'failing';
  return behind === 0n ? 'live' : 'catching_up';
}

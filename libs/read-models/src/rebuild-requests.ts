/** Whether the new tables shall take the place of those that serve, or only be compared with them. */
export type RebuildMode = 'rebuild' | 'verify';

/** What a comparison found in one table. Rows are those of the tables that serve. */
export interface TableComparison {
  readonly table: string;
  readonly rows: number;
  /** Rows that stand on one side alone; a row that differs counts on both. */
  readonly differences: number;
  /** The keys of some of them. */
  readonly examples: readonly string[];
}

export interface RebuildResult {
  /** How many events were folded, in how many milliseconds. */
  readonly events: number;
  readonly milliseconds: number;
  /** What `verify` found. */
  readonly tables?: readonly TableComparison[];
}

/** A rebuild that somebody asked for. */
export interface RebuildJob {
  readonly mode: RebuildMode;
  /** Aborted when it is not wanted any more. */
  readonly abandoned: AbortSignal;
  completed(result: RebuildResult): Promise<void>;
  failed(reason: string): Promise<void>;
}

/** Tells the one process that leads a projection which rebuilds are wanted. */
export abstract class RebuildRequests {
  /** Each rebuild that is asked for and has not come to an end, one after the other, until the signal. */
  abstract of(projection: string, signal: AbortSignal): AsyncIterable<RebuildJob>;
}

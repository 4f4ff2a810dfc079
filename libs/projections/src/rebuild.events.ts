import type { Fact } from '#eventsourcing';

/** The stream of one projection: what operators asked of it, and what came of that. */
export const projectionStream = (name: string): string => `projection-${name}`;

export type RebuildRequested = Fact<
  'RebuildRequested',
  {
    readonly rebuild_id: string;
    readonly projection: string;
    readonly version: number;
    readonly mode: 'rebuild' | 'verify';
  }
>;

export type RebuildCompleted = Fact<
  'RebuildCompleted',
  {
    readonly rebuild_id: string;
    /** How many events were folded, in how many milliseconds. */
    readonly events: number;
    readonly milliseconds: number;
    /** What `verify` found, table by table. */
    readonly tables?: readonly {
      readonly table: string;
      readonly rows: number;
      readonly differences: number;
      readonly examples: readonly string[];
    }[];
  }
>;

export type RebuildFailed = Fact<'RebuildFailed', { readonly rebuild_id: string; readonly reason: string }>;

export type RebuildAbandoned = Fact<'RebuildAbandoned', { readonly rebuild_id: string }>;

export type RebuildFact = RebuildRequested | RebuildCompleted | RebuildFailed | RebuildAbandoned;

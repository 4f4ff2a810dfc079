import type { Fact } from '#eventsourcing';
import type { RetentionKind, RetentionLimits } from './retention.events.js';

/** Content of a run or session that is to be removed: what stands behind `after_seq`, up to `through_seq`. */
export interface RemovalRecord {
  readonly id: string;
  readonly after_seq: number;
  readonly through_seq: number;
  readonly revision: number;
  readonly bytes: number;
  readonly from: string;
  readonly to: string;
}

/** Some of what a sweep removes, decided on before anything is touched. */
export interface SweepBatch {
  /** From 1 in each sweep. */
  readonly number: number;
  readonly kind: RetentionKind;
  /** Whose limits say so, in one word, and which they were. */
  readonly scope: string;
  readonly limits: RetentionLimits;
  /** How many events hold it. */
  readonly pieces: number;
  readonly removals: readonly RemovalRecord[];
}

interface OfSweep {
  readonly operation_id: string;
}

/** Somebody asked for a sweep, or it was time for one and something was due. */
export type SweepRequested = Fact<
  'SweepRequested',
  OfSweep & { readonly project_id: string; readonly trigger: 'request' | 'interval' }
>;
/** How much was due when it began. */
export type SweepStarted = Fact<'SweepStarted', OfSweep & { readonly total: number }>;
export type SweepBatchDecided = Fact<'SweepBatchDecided', OfSweep & SweepBatch>;
/** All of the batch is gone but what is `kept`, by id: held, running again, or under another rule by then. */
export type SweepBatchCarriedOut = Fact<
  'SweepBatchCarriedOut',
  OfSweep & { readonly number: number; readonly kept: readonly string[]; readonly archive?: string }
>;
/** An error says what it could not do: what that was to remove is still there. */
export type SweepEnded = Fact<'SweepEnded', OfSweep & { readonly error?: string }>;

/** The facts of a stream `retentionSweeps-<project>`. */
export type SweepFact = SweepRequested | SweepStarted | SweepBatchDecided | SweepBatchCarriedOut | SweepEnded;

export const sweepStreams = 'retentionSweeps-';
export const sweepStream = (projectId: string): string => `${sweepStreams}${projectId}`;

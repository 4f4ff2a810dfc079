import type { Decider, EventMetadata } from '#eventsourcing';
import { RuleViolation } from '#eventsourcing';
import type { RetentionAction, RetentionKind } from './retention.events.js';
import type {
  SweepBatch,
  SweepBatchCarriedOut,
  SweepBatchDecided,
  SweepEnded,
  SweepFact,
  SweepRequested,
  SweepStarted,
} from './sweep.events.js';
import { nothing, type Tally, tallied } from './tally.decider.js';

/** What one rule removed in a sweep. */
export interface Swept {
  readonly kind: RetentionKind;
  readonly scope: string;
  readonly action: RetentionAction;
  readonly tally: Tally;
  /** Manifests in the archive. */
  readonly archives: readonly string[];
}

/** A sweep as its stream tells it. */
export interface SweepState {
  readonly id: string;
  readonly project_id: string;
  readonly trigger: 'request' | 'interval';
  readonly status: 'running' | 'succeeded' | 'failed';
  /** Lines and segments. */
  readonly done: number;
  readonly total: number;
  /** How many batches were decided on. */
  readonly batches: number;
  readonly started: boolean;
  /** The one that is being carried out. */
  readonly batch: SweepBatch | null;
  readonly swept: readonly Swept[];
  /** How many removals were decided on and not carried out. */
  readonly kept: number;
  readonly error: string | null;
  readonly created_at: string;
  readonly ended_at: string | null;
}

/** The newest sweep of a project; undefined before the first. */
export type Sweep = SweepState | undefined;

export const sweepDecider: Decider<Sweep, SweepFact> = {
  initial: undefined,
  evolve: (sweep, fact, { metadata }) => foldSweep(sweep, fact, metadata),
  weigh: (sweep) => (sweep?.batch?.removals.length ?? 0) * 300,
};

/** @param at and so on: from the event's metadata */
export function foldSweep(sweep: Sweep, fact: SweepFact, { at }: Pick<EventMetadata, 'at'>): Sweep {
  if (fact.type === 'SweepRequested') return begun(fact.data, at);
  return sweep && continued(sweep, fact, at);
}

const begun = ({ operation_id, project_id, trigger }: SweepRequested['data'], at: string): SweepState => ({
  id: operation_id,
  project_id,
  trigger,
  status: 'running',
  done: 0,
  total: 0,
  batches: 0,
  started: false,
  batch: null,
  swept: [],
  kept: 0,
  error: null,
  created_at: at,
  ended_at: null,
});

function continued(sweep: SweepState, fact: Exclude<SweepFact, SweepRequested>, at: string): SweepState {
  switch (fact.type) {
    case 'SweepStarted':
      return { ...sweep, started: true, total: fact.data.total };
    case 'SweepBatchDecided': {
      const { operation_id: _id, ...batch } = fact.data;
      return { ...sweep, batch, batches: batch.number };
    }
    case 'SweepBatchCarriedOut':
      return carriedOut(sweep, fact.data);
    case 'SweepEnded': {
      const { error = null } = fact.data;
      const status = error === null ? 'succeeded' : 'failed';
      return { ...sweep, status, error, batch: null, ended_at: at };
    }
  }
}

function carriedOut(sweep: SweepState, { kept, archive }: SweepBatchCarriedOut['data']): SweepState {
  const { batch } = sweep;
  if (batch === null) return sweep;
  const { kind, scope, removals } = batch;
  const { action } = batch.limits;
  const gone = removals.filter(({ id }) => !kept.includes(id));
  const isOurs = (one: Swept): boolean => one.kind === kind && one.scope === scope && one.action === action;
  const before = sweep.swept.find(isOurs) ?? { kind, scope, action, tally: nothing, archives: [] };
  const tally = gone.reduce(tallied, before.tally);
  const archives = archive === undefined ? before.archives : [...before.archives, archive];
  const others = sweep.swept.filter((one) => !isOurs(one));
  const swept = gone.length === 0 ? sweep.swept : [...others, { ...before, tally, archives }];
  const done = sweep.done + tally.count - before.tally.count;
  return { ...sweep, batch: null, swept, done, kept: sweep.kept + removals.length - gone.length };
}

/** Asks for a sweep; the same request again changes nothing. @throws RuleViolation already_running */
export function requestSweep(sweep: Sweep, request: SweepRequested['data']): SweepRequested[] {
  if (sweep?.id === request.operation_id) return [];
  if (sweep?.status === 'running') {
    throw new RuleViolation('already_running', `sweep ${sweep.id} of this project is running`, {
      operation_id: sweep.id,
    });
  }
  return [{ type: 'SweepRequested', data: request }];
}

export const startSweep = (sweep: Sweep, operation_id: string, total: number): SweepStarted[] =>
  isRunning(sweep, operation_id) && !sweep.started
    ? [{ type: 'SweepStarted', data: { operation_id, total } }]
    : [];

/** Decides what is removed next; one batch after the other. */
export const decideBatch = (
  sweep: Sweep,
  operation_id: string,
  batch: Omit<SweepBatch, 'number'>,
): SweepBatchDecided[] =>
  isRunning(sweep, operation_id) && sweep.batch === null
    ? [{ type: 'SweepBatchDecided', data: { operation_id, number: sweep.batches + 1, ...batch } }]
    : [];

/** @param kept ids of what was not removed after all */
export const carryOutBatch = (
  sweep: Sweep,
  operation_id: string,
  kept: readonly string[],
  archive?: string,
): SweepBatchCarriedOut[] =>
  isRunning(sweep, operation_id) && sweep.batch !== null
    ? [
        {
          type: 'SweepBatchCarriedOut',
          data: { operation_id, number: sweep.batch.number, kept, ...(archive !== undefined && { archive }) },
        },
      ]
    : [];

export const endSweep = (sweep: Sweep, operation_id: string, error?: string): SweepEnded[] =>
  isRunning(sweep, operation_id)
    ? [{ type: 'SweepEnded', data: { operation_id, ...(error !== undefined && { error }) } }]
    : [];

const isRunning = (sweep: Sweep, id: string): sweep is SweepState =>
  sweep?.id === id && sweep.status === 'running';

import type { Json, JsonObject, Usage } from '#eventsourcing';
import { expectMetadataFits, RuleViolation } from '#eventsourcing';
import type { Run, RunState } from './run.decider.js';
import { isOver, next, ofSession } from './run.decider.js';
import type { RunBirth, RunError, RunFact, RunStatus } from './run.events.js';

/** What a client asks to change; what is absent stays. */
export interface RunChange {
  readonly status?: RunStatus;
  readonly output?: Json;
  readonly error?: RunError;
  readonly done_reason?: string;
  readonly usage?: Usage;
  readonly metadata?: JsonObject;
}

/** A run is created once, and started with it where its birth says so; the same birth again changes nothing. */
export function createRun(run: Run, birth: RunBirth): RunFact[] {
  if (run !== undefined) return [];
  const { started, ...data } = birth;
  const created: RunFact = { type: 'RunCreated', data };
  if (started === undefined) return [created];
  const session = ofSession({ session_id: birth.session_id ?? null });
  return [created, { type: 'RunStarted', data: { from: 'pending', ...session, ...started } }];
}

/**
 * Changes what the client named. The status that the run already has is no change.
 * @throws RuleViolation illegal_transition, revision_mismatch, validation_failed
 */
export function changeRun(run: RunState, change: RunChange, expected?: number): RunFact[] {
  expectRevision(run, expected);
  const { status, usage, output, error, done_reason, metadata } = change;
  const told = {
    ...(output !== undefined && { output }),
    ...(error !== undefined && { error }),
    ...(done_reason !== undefined && { done_reason }),
  };
  const facts: RunFact[] = [];
  if (metadata !== undefined && !holds(run.metadata, metadata)) {
    expectMetadataFits(run.metadata, metadata);
    facts.push({ type: 'RunUpdated', data: { metadata, ...ofSession(run) } });
  }
  if (usage !== undefined && !same(usage, run.usage)) {
    const previous = run.usage === null ? {} : { previous: run.usage };
    facts.push({ type: 'RunUsageRecorded', data: { usage, ...previous, ...ofSession(run) } });
  }
  const moves = status !== undefined && status !== run.status;
  if (moves) facts.push(transition(run, status, status === 'running' ? {} : told));
  if (moves && status !== 'running') return facts;
  if (Object.entries(told).some(([key, value]) => !same(value, run[key as keyof typeof told]))) {
    facts.push({ type: 'RunUpdated', data: { ...told, ...ofSession(run) } });
  }
  return facts;
}

/** Cancels a run; one that is over stays as it is. @throws RuleViolation revision_mismatch */
export function cancelRun(run: RunState, reason: string | undefined, expected?: number): RunFact[] {
  expectRevision(run, expected);
  if (isOver(run)) return [];
  return [transition(run, 'cancelled', reason === undefined ? {} : { reason })];
}

interface Told {
  readonly output?: Json;
  readonly error?: RunError;
  readonly done_reason?: string;
  readonly reason?: string;
}

function transition(run: RunState, to: RunStatus, told: Told): RunFact {
  if (!next[run.status].includes(to)) {
    throw new RuleViolation('illegal_transition', `a run that is ${run.status} cannot become ${to}`);
  }
  const data = { from: run.status, ...ofSession(run), ...told };
  switch (to) {
    case 'running':
      return { type: 'RunStarted', data };
    case 'completed':
      return { type: 'RunCompleted', data };
    case 'failed':
      return { type: 'RunFailed', data };
    default:
      return { type: 'RunCancelled', data };
  }
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

const holds = (metadata: JsonObject, change: JsonObject): boolean =>
  Object.entries(change).every(([key, value]) => same(metadata[key] ?? null, value));

function expectRevision(run: RunState, expected: number | undefined): void {
  if (expected !== undefined && expected !== run.revision) {
    throw new RuleViolation('revision_mismatch', `the run is at revision ${run.revision}, not ${expected}`);
  }
}

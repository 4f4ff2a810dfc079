import type { JsonObject } from '#eventsourcing';
import { RuleViolation, SeenIds } from '#eventsourcing';
import type { RunState } from './run.decider.js';
import { isOver, ofSession } from './run.decider.js';
import type { RunFact } from './run.events.js';

/** An event as a worker gives it. `id`: a second event of this name is not stored. */
export interface NewRunEvent {
  readonly type: string;
  readonly data: JsonObject;
  readonly id?: string;
}

/** Adds events behind the last one, but for those that were added before. @throws RuleViolation run_terminal */
export function appendEvents(run: RunState, events: readonly NewRunEvent[]): RunFact[] {
  const seen = run.seen ?? SeenIds.none;
  const given = new Set<string>();
  const fresh = events.filter(({ id }) => {
    if (id === undefined) return true;
    if (seen.sequenceOf(id) !== undefined || given.has(id)) return false;
    given.add(id);
    return true;
  });
  if (fresh.length > 0 && isOver(run)) {
    throw new RuleViolation('run_terminal', `the run is ${run.status}, nothing more happens in it`);
  }
  const session = ofSession(run);
  return fresh.map(({ type, data, id }) => ({
    type: 'RunEventRecorded',
    data: { type, data, ...(id !== undefined && { id }), ...session },
  }));
}

/** Where events that were added before stand: the lowest and the highest of their sequence numbers. */
export function placesOf(run: RunState, events: readonly NewRunEvent[]): { first: number; last: number } {
  const places = events.flatMap(({ id }) => (id === undefined ? [] : (run.seen?.sequenceOf(id) ?? [])));
  return { first: Math.min(...places), last: Math.max(...places) };
}

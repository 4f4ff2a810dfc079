import { leastUuidv7 } from '#eventsourcing';
import { milliseconds, wellFormed } from '#read-models';
import type { RunState } from './run.decider.js';
import type { RunFilter } from './run.filter.js';
import { searchable } from './run.projection.js';

const equal = [
  'task_id',
  'job_id',
  'session_id',
  'parent_run_id',
  'root_run_id',
  'user_id',
  'source',
  'kind',
] as const;

/** What the filters of a list look at. */
export type Filterable = Pick<
  RunState,
  'id' | 'status' | 'started_at' | 'ended_at' | 'metadata' | (typeof equal)[number]
>;

/** Whether a list with this filter would show the run; says the same as the list's SQL. */
export function matches(filter: RunFilter, run: Filterable): boolean {
  return (
    equal.every((name) => filter[name] == null || filter[name] === run[name]) &&
    (filter.status == null || filter.status.includes(run.status)) &&
    inTime(filter, run) &&
    hasMetadata(run, Object.entries(filter.metadata ?? {}))
  );
}

function inTime(filter: RunFilter, { id, started_at, ended_at }: Filterable): boolean {
  const { created_after: after, created_before: before } = filter;
  if (after != null && id < leastUuidv7(Math.floor(milliseconds(after)) + 1)) return false;
  if (before != null && id >= leastUuidv7(milliseconds(before))) return false;
  return (
    within(started_at, filter.started_after, filter.started_before) &&
    within(ended_at, filter.ended_after, filter.ended_before)
  );
}

function within(time: string | null, after: string | undefined, before: string | undefined): boolean {
  if (after == null && before == null) return true;
  if (time === null) return false;
  const at = milliseconds(time);
  return (after == null || at > milliseconds(after)) && (before == null || at < milliseconds(before));
}

function hasMetadata({ metadata }: Filterable, wanted: readonly [string, string][]): boolean {
  if (wanted.length === 0) return true;
  const texts = searchable(metadata);
  return wanted.every(([key, value]) => texts.get(wellFormed(key)) === wellFormed(value));
}

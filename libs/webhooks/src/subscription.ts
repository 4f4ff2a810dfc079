import { isEventType } from '#runs';
import type { WebhookFilter } from './webhook.events.js';

const most = 50;
const family = /^[a-z0-9_]+(\.[a-z0-9_-]+)*\.\*$/;

/** An event as patterns and filters look at it. */
export interface Subject {
  /** Type in the timeline, such as `run.completed`. */
  readonly type: string;
  readonly run_id?: string | undefined;
  readonly session_id?: string | undefined;
  /** Source and kind of the event's run. */
  readonly source?: string | undefined;
  readonly kind?: string | undefined;
}

/** The status that a run has come to by an event of this type. */
const statusBy: Readonly<Record<string, string>> = {
  'run.created': 'pending',
  'run.requeued': 'pending',
  'run.started': 'running',
  'run.completed': 'completed',
  'run.failed': 'failed',
  'run.cancelled': 'cancelled',
};

/** The patterns of a comma list, or of a list; anything else stays as it is, to be found wrong. */
export const splitPatterns = (value: unknown): unknown =>
  typeof value === 'string' ? value.split(',').map((pattern) => pattern.trim()) : value;

/** Whether these are 1 to 50 patterns: `*`, a family such as `run.*`, or a type that an event can have. */
export const arePatterns = (value: unknown): value is string[] =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.length <= most &&
  value.every((one) => typeof one === 'string' && (one === '*' || family.test(one) || isEventType(one)));

/** Whether a pattern names the type. `run.*` names every type that starts with `run.`. */
export const matchesPattern = (patterns: readonly string[], type: string): boolean =>
  patterns.some(
    (pattern) => pattern === type || (pattern.endsWith('*') && type.startsWith(pattern.slice(0, -1))),
  );

/** Whether the event has all that the filter names. What an event does not have, it does not match. */
export function matchesFilter(filter: WebhookFilter | null, subject: Subject): boolean {
  if (filter === null) return true;
  const has = { ...subject, status: statusBy[subject.type] };
  return Object.entries(filter).every(([key, value]) => has[key as keyof WebhookFilter] === value);
}

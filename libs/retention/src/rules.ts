import type { Limits } from './due.js';
import { durationOf, later } from './duration.js';
import type { RetentionAction, RetentionLimits } from './retention.events.js';

/** A policy that holds for some runs, with its scope in one word. */
export interface Rule extends Limits {
  readonly scope: string;
  readonly action: RetentionAction;
  readonly limits: RetentionLimits;
}

/** The rules of a project for one kind of content. */
export interface Rules {
  readonly default?: Rule;
  readonly project?: Rule;
  readonly sessions: ReadonlyMap<string, Rule>;
}

/** The limits of one scope, to be worked with: its age as a duration. */
export function ruleOf(scope: string, limits: RetentionLimits): Rule {
  const { action, max_age, max_bytes } = limits;
  const maxAge = max_age === null ? null : (durationOf(max_age) ?? null);
  return { scope, action, limits, maxAge, maxBytes: max_bytes };
}

/** The rule of the nearest scope; undefined: all is kept. */
export const nearest = (rules: Rules, sessionId: string | null): Rule | undefined =>
  (sessionId === null ? undefined : rules.sessions.get(sessionId)) ?? rules.project ?? rules.default;

/** The same rules with one more in its place. */
export function withRule(rules: Rules, rule: Rule): Rules {
  const [of, id = ''] = rule.scope.split(/:(.*)/s, 2);
  if (of === 'session') return { ...rules, sessions: new Map(rules.sessions).set(id, rule) };
  return of === 'default' ? { ...rules, default: rule } : { ...rules, project: rule };
}

/** All rules that may be the nearest to something. */
export const allRules = (rules: Rules): Rule[] => [
  ...rules.sessions.values(),
  ...[rules.project, rules.default].filter((rule) => rule !== undefined),
];

/** When the age of something that counts from a time is over; null: never. */
export function expiry(rule: Rule | undefined, dated: number | null): string | null {
  if (rule?.maxAge == null || dated === null) return null;
  const time = later(dated, rule.maxAge);
  return Number.isFinite(time) ? new Date(time).toISOString() : null;
}

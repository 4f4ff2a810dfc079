import type { Fact } from '#eventsourcing';

export const retentionKinds = ['logs', 'transcripts', 'process_output'] as const;
export type RetentionKind = (typeof retentionKinds)[number];
export const retentionActions = ['purge', 'archive'] as const;
export type RetentionAction = (typeof retentionActions)[number];

/** What may be kept of one kind of content; without a limit all is kept. */
export interface RetentionLimits {
  /** ISO 8601 duration. */
  readonly max_age: string | null;
  /** Of one run's or session's content. */
  readonly max_bytes: number | null;
  readonly action: RetentionAction;
}

/** For whom a policy holds; the nearest to a run wins: its session, its project, the whole installation. */
export type RetentionScope =
  | { readonly of: 'default' }
  | { readonly of: 'project'; readonly id: string }
  | { readonly of: 'session'; readonly id: string };

/** The project is absent where the policy holds for all of them. */
interface OfPolicy {
  readonly kind: RetentionKind;
  readonly project_id?: string;
}

export type RetentionPolicySet = Fact<'RetentionPolicySet', OfPolicy & RetentionLimits>;
export type RetentionPolicyRemoved = Fact<'RetentionPolicyRemoved', OfPolicy>;

/** The facts of a stream `retention-<scope>`. */
export type RetentionPolicyFact = RetentionPolicySet | RetentionPolicyRemoved;

export const retentionStreams = 'retention-';

/** The scope in one word. */
export const scopeName = (scope: RetentionScope): string =>
  scope.of === 'default' ? 'default' : `${scope.of}:${scope.id}`;

export const retentionStream = (scope: RetentionScope): string => `${retentionStreams}${scopeName(scope)}`;

import type { Decider } from '#eventsourcing';
import { RuleViolation } from '#eventsourcing';
import type {
  RetentionKind,
  RetentionLimits,
  RetentionPolicyFact,
  RetentionPolicyRemoved,
  RetentionPolicySet,
} from './retention.events.js';

/** A policy as its stream tells it; `limits` are null when it was removed. */
export interface PolicyState {
  readonly limits: RetentionLimits | null;
  /** RFC 3339 UTC with milliseconds, and principal id of who. */
  readonly updated_at: string;
  readonly updated_by: string;
  /** How often it was changed; goes on when it is set again. */
  readonly revision: number;
}

/** The policies of one scope. */
export type Policies = ReadonlyMap<RetentionKind, PolicyState>;

export const policyDecider: Decider<Policies, RetentionPolicyFact> = {
  initial: new Map(),
  evolve: (policies, fact, { metadata: { at, actor } }) => {
    const { kind } = fact.data;
    const limits = fact.type === 'RetentionPolicySet' ? limitsOf(fact.data) : null;
    const revision = (policies.get(kind)?.revision ?? 0) + 1;
    return new Map(policies).set(kind, { limits, updated_at: at, updated_by: actor, revision });
  },
};

const limitsOf = ({ max_age, max_bytes, action }: RetentionLimits): RetentionLimits => ({
  max_age,
  max_bytes,
  action,
});

/** Sets what may be kept from now on, of what is stored already too. @throws RuleViolation revision_mismatch */
export function setPolicy(
  policies: Policies,
  policy: RetentionPolicySet['data'],
  expected?: number,
): RetentionPolicySet[] {
  const before = policies.get(policy.kind);
  expectRevision(before, expected);
  const same = before?.limits && JSON.stringify(before.limits) === JSON.stringify(limitsOf(policy));
  return same === true ? [] : [{ type: 'RetentionPolicySet', data: policy }];
}

/** From now on the next wider scope says what is kept. @throws RuleViolation not_found, revision_mismatch */
export function removePolicy(
  policies: Policies,
  policy: RetentionPolicyRemoved['data'],
  expected?: number,
): RetentionPolicyRemoved[] {
  const before = policies.get(policy.kind);
  if (before?.limits == null) throw new RuleViolation('not_found', 'there is no such policy');
  expectRevision(before, expected);
  return [{ type: 'RetentionPolicyRemoved', data: policy }];
}

function expectRevision(policy: PolicyState | undefined, expected: number | undefined): void {
  const revision = policy?.revision ?? 0;
  if (expected === undefined || expected === revision) return;
  throw new RuleViolation('revision_mismatch', `the policy is at revision ${revision}, not ${expected}`);
}

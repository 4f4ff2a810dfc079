import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Causation } from '#eventsourcing';
import { Streams } from '#eventsourcing';
import { RecentWrites } from '#read-models';
import type { PolicyState } from './policy.decider.js';
import { policyDecider, setPolicy } from './policy.decider.js';
import type { RetentionLimitsBody } from './retention.bodies.js';
import {
  type RetentionKind,
  type RetentionLimits,
  type RetentionScope,
  retentionStream,
} from './retention.events.js';

export interface PolicyAndPosition {
  readonly policy: PolicyState;
  readonly limits: RetentionLimits;
  readonly position: bigint | undefined;
}

export class SetPolicy extends Command<PolicyAndPosition> {
  constructor(
    readonly scope: RetentionScope,
    readonly kind: RetentionKind,
    readonly body: RetentionLimitsBody,
    readonly causation: Causation,
    readonly expected: number | undefined,
  ) {
    super();
  }
}

/** @throws RuleViolation revision_mismatch */
@CommandHandler(SetPolicy)
export class SetPolicyHandler implements ICommandHandler<SetPolicy> {
  constructor(
    private readonly streams: Streams,
    private readonly writes: RecentWrites,
  ) {}

  async execute({ scope, kind, body, causation, expected }: SetPolicy): Promise<PolicyAndPosition> {
    const limits = limitsOf(body);
    const project = scope.of === 'default' ? {} : { project_id: causation.principal.projectId };
    const { state, position } = await this.streams.execute(
      policyDecider,
      retentionStream(scope),
      causation,
      (policies) => setPolicy(policies, { kind, ...project, ...limits }, expected),
    );
    this.writes.wrote(causation.principal.projectId, position);
    return { policy: state.get(kind) as PolicyState, limits, position };
  }
}

export const limitsOf = ({ max_age, max_bytes, action }: RetentionLimitsBody): RetentionLimits => ({
  max_age: max_age ?? null,
  max_bytes: max_bytes ?? null,
  action,
});

import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Causation } from '#eventsourcing';
import { Streams } from '#eventsourcing';
import { policyDecider, removePolicy } from './policy.decider.js';
import { type RetentionKind, type RetentionScope, retentionStream } from './retention.events.js';

export class RemovePolicy extends Command<bigint | undefined> {
  constructor(
    readonly scope: RetentionScope,
    readonly kind: RetentionKind,
    readonly causation: Causation,
    readonly expected: number | undefined,
  ) {
    super();
  }
}

/** @throws RuleViolation not_found, revision_mismatch */
@CommandHandler(RemovePolicy)
export class RemovePolicyHandler implements ICommandHandler<RemovePolicy> {
  constructor(private readonly streams: Streams) {}

  async execute({ scope, kind, causation, expected }: RemovePolicy): Promise<bigint | undefined> {
    const project = scope.of === 'default' ? {} : { project_id: causation.principal.projectId };
    const { position } = await this.streams.execute(
      policyDecider,
      retentionStream(scope),
      causation,
      (policies) => removePolicy(policies, { kind, ...project }, expected),
    );
    return position;
  }
}

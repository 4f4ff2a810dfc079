import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Causation } from '#eventsourcing';
import { RuleViolation, Streams } from '#eventsourcing';
import { requireRevision } from '#http';
import { AccessWrites } from './access-writes.js';
import { apiKeyDecider, revokeApiKey } from './api-key.decider.js';
import { apiKeyStream } from './api-key.events.js';
import { ManagedProjects } from './managed-projects.js';

export class RevokeApiKey extends Command<bigint | undefined> {
  constructor(
    readonly id: string,
    readonly causation: Causation,
    readonly expected: number | undefined,
  ) {
    super();
  }
}

/** The key is refused from then on, and stays to be read with its `revoked_at`. @throws RuleViolation not_found, ProblemError revision_mismatch */
@CommandHandler(RevokeApiKey)
export class RevokeApiKeyHandler implements ICommandHandler<RevokeApiKey> {
  constructor(
    private readonly streams: Streams,
    private readonly projects: ManagedProjects,
    private readonly writes: AccessWrites,
  ) {}

  async execute({ id, causation, expected }: RevokeApiKey): Promise<bigint | undefined> {
    const known = await this.streams.glance(apiKeyDecider, apiKeyStream(id));
    if (known === undefined || !(await this.projects.manages(causation.principal, known.project_id))) {
      throw new RuleViolation('not_found', `there is no API key ${id}`);
    }
    const { position } = await this.streams.execute(
      apiKeyDecider,
      apiKeyStream(id),
      causation,
      (key, revision) => {
        requireRevision(expected, revision + 1);
        return revokeApiKey(key, id);
      },
    );
    await this.writes.seen(position);
    return position;
  }
}

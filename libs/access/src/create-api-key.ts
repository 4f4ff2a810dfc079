import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Causation } from '#eventsourcing';
import { RuleViolation, Streams } from '#eventsourcing';
import { AccessWrites } from './access-writes.js';
import type { CreateApiKeyBody } from './access.bodies.js';
import type { CreatedApiKeyResource } from './access.resources.js';
import { apiKeyDecider, createApiKey } from './api-key.decider.js';
import { apiKeyStream, type ApiKeyCreated } from './api-key.events.js';
import { ManagedProjects } from './managed-projects.js';
import { mintSecret } from './secret.js';

export class CreateApiKey extends Command<{ apiKey: CreatedApiKeyResource; position: bigint | undefined }> {
  constructor(
    readonly body: CreateApiKeyBody,
    readonly causation: Causation,
  ) {
    super();
  }
}

/** @throws RuleViolation unknown_reference, validation_failed */
@CommandHandler(CreateApiKey)
export class CreateApiKeyHandler implements ICommandHandler<CreateApiKey> {
  constructor(
    private readonly streams: Streams,
    private readonly projects: ManagedProjects,
    private readonly writes: AccessWrites,
  ) {}

  async execute({ body, causation }: CreateApiKey) {
    if (!(await this.projects.manages(causation.principal, body.project_id))) {
      const pointer = '/project_id';
      throw new RuleViolation('unknown_reference', `there is no project ${body.project_id}`, { pointer });
    }
    const secret = mintSecret();
    const id = causation.mint();
    const birth: ApiKeyCreated['data'] = {
      api_key_id: id,
      name: body.name,
      project_id: body.project_id,
      role: body.role,
      user_id: body.user_id ?? causation.mint(),
      hash: secret.hash,
      prefix: secret.prefix,
      ...(body.expires_at != null && { expires_at: new Date(body.expires_at).toISOString() }),
    };
    const { events, position } = await this.streams.execute(
      apiKeyDecider,
      apiKeyStream(id),
      causation,
      (key) => createApiKey(key, birth, causation.at),
    );
    await this.writes.seen(position);
    // After a crash the event is that of the first attempt, whose secret nobody can know any more.
    const stored = (events[0]?.data ?? birth) as ApiKeyCreated['data'];
    return {
      apiKey: { ...shown(stored, causation), ...(stored.hash === secret.hash && { key: secret.key }) },
      position,
    };
  }
}

function shown(birth: ApiKeyCreated['data'], { at, principal }: Causation) {
  const { api_key_id: id, name, project_id, role, user_id, prefix, expires_at = null } = birth;
  const created = { created_by: principal.principalId, created_at: at, expires_at, revoked_at: null };
  return { id, name, project_id, role, user_id, prefix, ...created, revision: 1 };
}

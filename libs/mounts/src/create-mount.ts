import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Causation } from '#eventsourcing';
import { RuleViolation, Streams } from '#eventsourcing';
import { ProblemError } from '#http';
import { RecentWrites } from '#read-models';
import { findSession, takeName } from '#sessions';
import type { CreateMountBody } from './mount.bodies.js';
import { createMount, mountDecider } from './mount.decider.js';
import { mountStream, slugStream } from './mount.events.js';
import type { ChangedMount } from './mounts.js';

/** Slugs that begin so are the service's own. */
const reserved = 'rl-';

export class CreateMount extends Command<ChangedMount> {
  constructor(
    readonly sessionId: string,
    readonly body: CreateMountBody,
    readonly causation: Causation,
  ) {
    super();
  }
}

/** Creates a mount, its slug first. @throws RuleViolation not_found, session_deleted, slug_taken; ProblemError reserved_slug */
@CommandHandler(CreateMount)
export class CreateMountHandler implements ICommandHandler<CreateMount> {
  constructor(
    private readonly streams: Streams,
    private readonly writes: RecentWrites,
  ) {}

  async execute({ sessionId, body, causation }: CreateMount): Promise<ChangedMount> {
    const { slug, name, uri, read_only, metadata } = body;
    const { user_id, project_id } = await findSession(this.streams, causation.principal, sessionId);
    if (slug.startsWith(reserved)) {
      const detail = `must not begin with ${reserved}`;
      throw new ProblemError('reserved_slug', `/slug: ${detail}.`, {
        errors: [{ pointer: '/slug', detail }],
      });
    }
    const id = causation.mint();
    const claimant = { value: slug, holder: id, user_id };
    const taken = await takeName(
      this.streams,
      slugStream(project_id, slug),
      claimant,
      causation,
      async (holder) => (await this.streams.load(mountDecider, mountStream(holder))).state !== undefined,
    );
    if (!taken) throw new RuleViolation('slug_taken', `another mount of the project has the slug ${slug}`);
    const birth = {
      mount_id: id,
      project_id,
      session_id: sessionId,
      user_id,
      slug,
      ...(name != null && { name }),
      uri,
      read_only,
      metadata: metadata ?? {},
    };
    const { state: mount, position } = await this.streams.execute(
      mountDecider,
      mountStream(id),
      causation,
      (now) => createMount(now, birth),
      { minted: true },
    );
    this.writes.wrote(sessionId, position);
    return { mount, position };
  }
}

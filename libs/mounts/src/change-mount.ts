import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Causation } from '#eventsourcing';
import { Streams } from '#eventsourcing';
import { RecentWrites } from '#read-models';
import { findSession } from '#sessions';
import type { UpdateMountBody } from './mount.bodies.js';
import { archiveMount, changeMount, mountDecider } from './mount.decider.js';
import { mountStream } from './mount.events.js';
import { type ChangedMount, Mounts } from './mounts.js';

export class ChangeMount extends Command<ChangedMount> {
  /** @param change what is to be changed, or whether it is to be archived */
  constructor(
    readonly id: string,
    readonly change: UpdateMountBody | boolean,
    readonly causation: Causation,
    readonly expected: number | undefined,
  ) {
    super();
  }
}

/** @throws RuleViolation not_found, session_deleted, revision_mismatch */
@CommandHandler(ChangeMount)
export class ChangeMountHandler implements ICommandHandler<ChangeMount> {
  constructor(
    private readonly streams: Streams,
    private readonly mounts: Mounts,
    private readonly writes: RecentWrites,
  ) {}

  async execute({ id, change, causation, expected }: ChangeMount): Promise<ChangedMount> {
    const { principal } = causation;
    const { session_id } = await this.mounts.get(principal, id);
    await findSession(this.streams, principal, session_id);
    const { state, position } = await this.streams.execute(
      mountDecider,
      mountStream(id),
      causation,
      (mount) =>
        typeof change === 'boolean'
          ? archiveMount(mount, change, expected)
          : changeMount(mount, detailsOf(change), expected),
    );
    this.writes.wrote(session_id, position);
    return { mount: state, position };
  }
}

const detailsOf = ({ name, uri, read_only, metadata }: UpdateMountBody) => ({
  ...(name !== undefined && { name }),
  ...(uri !== undefined && { uri }),
  ...(read_only !== undefined && { read_only }),
  ...(metadata !== undefined && { metadata }),
});

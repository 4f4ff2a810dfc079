import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Causation } from '#eventsourcing';
import { Streams } from '#eventsourcing';
import { requireRevision } from '#http';
import { endRebuild, rebuildsDecider } from './rebuild.decider.js';
import { projectionStream } from './rebuild.events.js';
import { Rebuilds } from './rebuilds.js';

export class AbandonRebuild extends Command<bigint | undefined> {
  constructor(
    readonly projection: string,
    readonly id: string,
    readonly causation: Causation,
    readonly expected: number | undefined,
  ) {
    super();
  }
}

/** What serves goes on serving; a rebuild that has ended stays as it is. @throws RuleViolation not_found, revision_mismatch */
@CommandHandler(AbandonRebuild)
export class AbandonRebuildHandler implements ICommandHandler<AbandonRebuild> {
  constructor(
    private readonly streams: Streams,
    private readonly rebuilds: Rebuilds,
  ) {}

  async execute({ projection, id, causation, expected }: AbandonRebuild): Promise<bigint | undefined> {
    this.rebuilds.projection(projection);
    const stream = projectionStream(projection);
    const { position } = await this.streams.execute(
      rebuildsDecider,
      stream,
      causation,
      (rebuilds, revision) => {
        requireRevision(expected, revision);
        return endRebuild(rebuilds, { type: 'RebuildAbandoned', data: { rebuild_id: id } });
      },
    );
    return position;
  }
}

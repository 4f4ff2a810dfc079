import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Causation } from '#eventsourcing';
import { Streams } from '#eventsourcing';
import { endRebuild, rebuildsDecider } from './rebuild.decider.js';
import { projectionStream } from './rebuild.events.js';
import { Rebuilds } from './rebuilds.js';

export class AbandonRebuild extends Command<bigint | undefined> {
  constructor(
    readonly projection: string,
    readonly id: string,
    readonly causation: Causation,
  ) {
    super();
  }
}

/** What serves goes on serving; a rebuild that has ended stays as it is. @throws RuleViolation not_found */
@CommandHandler(AbandonRebuild)
export class AbandonRebuildHandler implements ICommandHandler<AbandonRebuild> {
  constructor(
    private readonly streams: Streams,
    private readonly rebuilds: Rebuilds,
  ) {}

  async execute({ projection, id, causation }: AbandonRebuild): Promise<bigint | undefined> {
    this.rebuilds.projection(projection);
    const stream = projectionStream(projection);
    const { position } = await this.streams.execute(rebuildsDecider, stream, causation, (rebuilds) =>
      endRebuild(rebuilds, { type: 'RebuildAbandoned', data: { rebuild_id: id } }),
    );
    return position;
  }
}

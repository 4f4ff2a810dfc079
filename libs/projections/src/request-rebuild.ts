import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Causation } from '#eventsourcing';
import { RuleViolation, Streams } from '#eventsourcing';
import { rebuildsDecider, requestRebuild } from './rebuild.decider.js';
import { projectionStream } from './rebuild.events.js';
import type { RequestRebuildBody } from './rebuild.bodies.js';
import { Rebuilds } from './rebuilds.js';

export interface RebuildAsked {
  readonly id: string;
  readonly position: bigint | undefined;
}

export class RequestRebuild extends Command<RebuildAsked> {
  constructor(
    readonly projection: string,
    readonly body: RequestRebuildBody,
    readonly causation: Causation,
  ) {
    super();
  }
}

/** The process that leads the projection carries it out. @throws RuleViolation not_found, not_rebuildable, already_running */
@CommandHandler(RequestRebuild)
export class RequestRebuildHandler implements ICommandHandler<RequestRebuild> {
  constructor(
    private readonly streams: Streams,
    private readonly rebuilds: Rebuilds,
  ) {}

  async execute({ projection, body: { mode }, causation }: RequestRebuild): Promise<RebuildAsked> {
    const { version, tables } = this.rebuilds.projection(projection);
    if (tables === '') {
      throw new RuleViolation(
        'not_rebuildable',
        `${projection} reacts to events; it has no rows to build anew`,
      );
    }
    const id = causation.mint();
    const { position } = await this.streams.execute(
      rebuildsDecider,
      projectionStream(projection),
      causation,
      (rebuilds) => requestRebuild(rebuilds, { rebuild_id: id, projection, version, mode }),
    );
    return { id, position };
  }
}

import { Logger } from '@nestjs/common';
import {
  IdleCheckpoints,
  type Projection,
  Projector,
  type RebuildRequests,
  SharedReading,
} from '#read-models';
import type { Core } from './core.module.js';

/** Runs a projector for each projection; among several processes one of them leads. */
export class Projectors {
  private readonly projectors: readonly Projector[];

  constructor(
    core: Core,
    databaseUrl: string,
    projections: readonly Projection[],
    requests: RebuildRequests,
  ) {
    const logger = new Logger('Projector');
    const log = {
      info: (message: string) => {
        logger.log(message);
      },
      error: (message: string) => {
        logger.error(message);
      },
    };
    const share = {
      reading: new SharedReading(core.store),
      idle: new IdleCheckpoints(core.database),
      clock: core.clock,
      url: databaseUrl,
      log,
      requests,
    };
    this.projectors = projections.map((projection) => new Projector(projection, share));
  }

  start(): void {
    for (const projector of this.projectors) projector.start();
  }

  async stop(): Promise<void> {
    await Promise.all(this.projectors.map((projector) => projector.stop()));
  }
}

import { Logger } from '@nestjs/common';
import {
  BuildProcess,
  IdleCheckpoints,
  type Projection,
  Projector,
  type RebuildRequests,
  SharedReading,
} from '#read-models';
import type { Core } from './core.module.js';
import type { StoreOptions } from './event-store-at.js';
import { rebuildable } from './read-models.js';

/** Runs a projector for each projection; among several processes one of them leads. */
export class Projectors {
  private readonly projectors: readonly Projector[];
  private readonly building: BuildProcess;

  constructor(
    core: Core,
    options: StoreOptions,
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
    const alone = new Set(rebuildable().map(({ name }) => name));
    this.building = new BuildProcess(new URL('./build-process.js', import.meta.url), options, alone);
    const share = {
      reading: new SharedReading(core.store),
      idle: new IdleCheckpoints(core.database),
      clock: core.clock,
      url: options.databaseUrl,
      log,
      requests,
      elsewhere: this.building,
    };
    this.projectors = projections.map((projection) => new Projector(projection, share));
  }

  start(): void {
    for (const projector of this.projectors) projector.start();
  }

  async stop(): Promise<void> {
    await Promise.all(this.projectors.map((projector) => projector.stop()));
    await this.building.stop();
  }
}

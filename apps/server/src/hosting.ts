import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { LiveEvents, Streams } from '#eventsourcing';
import { ProcessHost, ProcessKeys, RunTeller } from '#processes';
import { LocalDriver } from '#sandbox-local';
import type { Core } from './core.module.js';
import type { Settings } from './settings.js';

/** The host of this process, for whoever takes the role. Its sandboxes see nothing of the service's own. */
export function hosting(nest: NestFastifyApplication, core: Core, { dataDir }: Settings): ProcessHost {
  const logger = new Logger('ProcessHost');
  const driver = new LocalDriver({ folder: join(dataDir, 'sandboxes'), hidden: [dataDir] });
  const tools = {
    streams: nest.get(Streams),
    store: core.store,
    live: nest.get(LiveEvents),
    keys: nest.get(ProcessKeys),
    teller: nest.get(RunTeller),
  };
  return new ProcessHost(driver, tools, core.database, (error) => {
    logger.error(String(error));
  });
}

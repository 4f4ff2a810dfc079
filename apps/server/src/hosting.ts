import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { LiveEvents, Streams } from '#eventsourcing';
import { ProcessHost, ProcessKeys, RunTeller, type SandboxDriver } from '#processes';
import { LocalDriver } from '#sandbox-local';
import type { Core } from './core.module.js';
import type { Settings } from './settings.js';

/** The host of this process, for whoever takes the role. Its sandboxes see nothing of the service's own. */
export async function hosting(
  nest: NestFastifyApplication,
  core: Core,
  settings: Settings,
): Promise<ProcessHost> {
  const logger = new Logger('ProcessHost');
  const tools = {
    streams: nest.get(Streams),
    store: core.store,
    live: nest.get(LiveEvents),
    keys: nest.get(ProcessKeys),
    teller: nest.get(RunTeller),
  };
  return new ProcessHost(await driverOf(settings), tools, core.database, (error) => {
    logger.error(String(error));
  });
}

const driverOf = async ({ sandboxDriver, dataDir }: Settings): Promise<SandboxDriver> => {
  if (sandboxDriver === 'local') {
    return new LocalDriver({ folder: join(dataDir, 'sandboxes'), hidden: [dataDir] });
  }
  // Who runs no containers need not load the client.
  const { DockerDriver } = await import('#sandbox-docker');
  return new DockerDriver();
};

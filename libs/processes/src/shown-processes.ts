import { Injectable } from '@nestjs/common';
import { Streams } from '#eventsourcing';
import { OutputFeed } from './output-feed.js';
import { hasEnded, type ProcessState } from './process.decider.js';
import { processResource, type ProcessResource } from './process.resource.js';

/** Shows processes with what they have written so far. */
@Injectable()
export class ShownProcesses {
  constructor(private readonly streams: Streams) {}

  /** @throws StoreUnavailable */
  async of(process: ProcessState): Promise<ProcessResource> {
    if (hasEnded(process)) return processResource(process);
    const feed = new OutputFeed(this.streams, process.process_id, 'stdout');
    return processResource(process, await feed.figures());
  }
}

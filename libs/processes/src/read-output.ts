import { Injectable } from '@nestjs/common';
import { Streams } from '#eventsourcing';
import { ProblemError, type RequestContext } from '#http';
import { findProcess } from './find-process.js';
import { OutputFeed } from './output-feed.js';
import type { OutputQuery } from './process.bodies.js';
import { hasEnded } from './process.decider.js';

const defaultLimit = 1024 * 1024;

export interface ReadOutput {
  readonly bytes: Buffer;
  readonly nextOffset: number;
  /** Whether nothing follows, now or ever. */
  readonly closed: boolean;
}

/** Reads output by bytes. */
@Injectable()
export class ProcessOutputs {
  constructor(private readonly streams: Streams) {}

  /** @throws RuleViolation not_found; ProblemError gone; StoreUnavailable */
  async read(id: string, query: OutputQuery, ctx: RequestContext): Promise<ReadOutput> {
    const { stream = 'stdout', offset = 0, limit = defaultLimit } = query;
    // Asked before reading: what is not there by then will not come.
    const over = hasEnded(await findProcess(this.streams, ctx.principal, id));
    const feed = new OutputFeed(this.streams, id, stream);
    await refuseGone(feed, offset);
    const pieces: Buffer[] = [];
    let size = 0;
    for await (const { event } of feed.read(offset, 'asc')) {
      const bytes = Buffer.from(event?.base64 ?? '', 'base64');
      pieces.push(bytes.subarray(0, limit - size));
      size += bytes.length;
      if (size > limit) break;
    }
    const read = Math.min(size, limit);
    return { bytes: Buffer.concat(pieces), nextOffset: offset + read, closed: over && size <= limit };
  }
}

/** @throws ProblemError gone when what was asked for has been removed */
export async function refuseGone(feed: OutputFeed, offset: number): Promise<void> {
  const earliest = await feed.earliest();
  if (earliest === undefined || earliest <= offset) return;
  throw new ProblemError('gone', `The output before byte ${earliest} has been removed.`, {
    extra: { earliest_offset: earliest },
  });
}

import { Injectable } from '@nestjs/common';
import { Streams } from '#eventsourcing';
import { ProblemError, type RequestContext } from '#http';
import { findProcess } from './find-process.js';
import { OutputFeed } from './output-feed.js';
import type { OutputQuery } from './process.bodies.js';
import { hasEnded, processDecider, type ProcessOrNone } from './process.decider.js';
import { type OutputStream, processStream } from './process.events.js';

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
    const pieces: Buffer[] = [];
    let size = 0;
    for await (const { event } of feed.read(offset, 'asc')) {
      const bytes = Buffer.from(event?.base64 ?? '', 'base64');
      pieces.push(bytes.subarray(0, limit - size));
      size += bytes.length;
      if (size > limit) break;
    }
    // Looked at behind the bytes: what a purge has taken in between is missed, never silently.
    const { state } = await this.streams.load(processDecider, processStream(id));
    refuseGone(state, stream, offset);
    const read = Math.min(size, limit);
    return { bytes: Buffer.concat(pieces), nextOffset: offset + read, closed: over && size <= limit };
  }
}

/** @throws ProblemError gone when retention has removed what was asked for; nothing but the end is left then */
export function refuseGone(process: ProcessOrNone, stream: OutputStream, offset: number): void {
  const end = process?.purged?.[stream].bytes ?? 0;
  if (offset >= end) return;
  throw new ProblemError('gone', `Retention has removed the output before byte ${end}.`, {
    extra: { earliest_offset: end },
  });
}

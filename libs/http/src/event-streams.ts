import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import type { RequestContext } from './context.js';
import { EventStream } from './event-stream.js';
import type { Follower } from './follower.js';

const tickMs = 500;
/** A stream that is quiet for so long is given a sign of life, one that nobody reads is cut. */
const quietMs = 15_000;

interface Open {
  readonly stream: EventStream;
  readonly follower: Follower;
}

/** All open streams of this process: keeps them alive, and ends those whose caller may no longer read. */
@Injectable()
export class EventStreams implements BeforeApplicationShutdown {
  private readonly streams = new Set<Open>();
  private ticking: NodeJS.Timeout | undefined;
  private closing = false;

  /** How many are open. */
  get size(): number {
    return this.streams.size;
  }

  /**
   * Answers a request with a stream until the client goes away or the follower ends it.
   * @param follow makes the follower, once the head of the answer is on its way
   * @param stop undoes what feeds the follower
   */
  async serve(
    ctx: RequestContext,
    follow: (stream: EventStream) => Follower,
    stop: () => void,
  ): Promise<void> {
    try {
      // What was done is not answered as a whole: a retry does the same command again, and watches.
      await ctx.remember?.({ status: 500, headers: {}, body: '' });
      const stream = new EventStream(ctx);
      await this.untilClosed({ stream, follower: follow(stream) });
    } finally {
      stop();
    }
  }

  /** Followers come back to another process, or to the next one, and go on from the id they have. */
  beforeApplicationShutdown(): void {
    this.closing = true;
    // Who does not read would not see the end either, and the server would wait.
    for (const { stream } of [...this.streams]) {
      if (stream.full) stream.cut();
      else stream.end();
    }
  }

  private async untilClosed(open: Open): Promise<void> {
    const { stream, follower } = open;
    this.streams.add(open);
    this.ticking ??= setInterval(() => {
      this.tick();
    }, tickMs);
    if (this.closing) stream.end();
    follower.wake();
    await stream.closed();
    this.streams.delete(open);
    if (this.streams.size === 0) {
      clearInterval(this.ticking);
      this.ticking = undefined;
    }
  }

  private tick(): void {
    const now = Date.now();
    for (const { stream, follower } of [...this.streams]) {
      follower.tick(now, quietMs);
      void confirm(stream);
    }
  }
}

/** Cuts a stream whose caller may not read any more, or cannot be asked for: who still may comes back. */
async function confirm(stream: EventStream): Promise<void> {
  try {
    if ((await stream.ctx.stillValid?.()) === false) stream.cut();
  } catch {
    stream.cut();
  }
}

import { Injectable } from '@nestjs/common';
import { LiveEvents, Streams, timeLimit } from '#eventsourcing';
import { isOver, runDecider, runEnds, type RunState } from './run.decider.js';
import { runStream } from './run.events.js';

/** Waits for runs to end. */
@Injectable()
export class RunEnds {
  constructor(
    private readonly streams: Streams,
    private readonly live: LiveEvents,
  ) {}

  /**
   * The run once it has ended, or as it is when the time is over or nobody waits any more.
   * @throws StoreUnavailable
   */
  async of(run: RunState, timeoutMs: number, gone: AbortSignal): Promise<RunState> {
    const stream = runStream(run.id);
    let end: () => void = () => undefined;
    const over = new Promise<void>((resolve) => {
      end = resolve;
    });
    const stop = await this.live.follow(stream, (events) => {
      if (events.some(runEnds)) end();
    });
    const limit = timeLimit(timeoutMs, gone);
    limit.signal.addEventListener('abort', end);
    try {
      const now = await this.state(run);
      if (isOver(now) || limit.signal.aborted) return now;
      await over;
      return await this.state(run);
    } finally {
      limit.release();
      stop();
    }
  }

  private async state(run: RunState): Promise<RunState> {
    return (await this.streams.load(runDecider, runStream(run.id))).state ?? run;
  }
}

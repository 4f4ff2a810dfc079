import { Injectable } from '@nestjs/common';
import { LiveEvents, Streams } from '#eventsourcing';
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
    const ended = new AbortController();
    const stop = await this.live.follow(stream, (events) => {
      if (events.some(runEnds)) ended.abort();
    });
    try {
      const now = await this.state(run);
      if (isOver(now)) return now;
      await first(timeoutMs, ended.signal, gone);
      return await this.state(run);
    } finally {
      stop();
    }
  }

  private async state(run: RunState): Promise<RunState> {
    return (await this.streams.load(runDecider, runStream(run.id))).state ?? run;
  }
}

/** Resolves when the time is over or a signal is given, whichever is first. */
function first(timeoutMs: number, ...signals: readonly AbortSignal[]): Promise<void> {
  return new Promise((resolve) => {
    const signal = AbortSignal.any([...signals]);
    if (signal.aborted) {
      resolve();
      return;
    }
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, timeoutMs);
    signal.addEventListener('abort', done);
  });
}

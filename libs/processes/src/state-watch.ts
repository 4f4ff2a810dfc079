import { Injectable } from '@nestjs/common';
import { type Decider, type Fact, LiveEvents, Streams, timeLimit } from '#eventsourcing';

/** Waits for streams to come to a state. */
@Injectable()
export class StateWatch {
  constructor(
    private readonly streams: Streams,
    private readonly live: LiveEvents,
  ) {}

  /**
   * The state as soon as this holds for it, or as it is when the time is over or nobody waits any more.
   * @throws StoreUnavailable
   */
  async until<State, F extends Fact>(
    decider: Decider<State, F>,
    stream: string,
    holds: (state: State) => boolean,
    timeoutMs: number,
    gone: AbortSignal,
  ): Promise<State> {
    let wake: () => void = () => undefined;
    const stop = await this.live.follow(stream, () => {
      wake();
    });
    const { signal: over, release } = timeLimit(timeoutMs, gone);
    over.addEventListener('abort', () => {
      wake();
    });
    try {
      for (;;) {
        const woken = new Promise<void>((resolve) => {
          wake = resolve;
        });
        const { state } = await this.streams.load(decider, stream);
        if (holds(state) || over.aborted) return state;
        await woken;
      }
    } finally {
      release();
      stop();
    }
  }
}

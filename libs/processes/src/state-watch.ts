import { Injectable } from '@nestjs/common';
import { type Decider, type Fact, LiveEvents, Streams } from '#eventsourcing';

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
    gone?: AbortSignal,
  ): Promise<State> {
    const over = new AbortController();
    let wake: () => void = () => undefined;
    const stop = await this.live.follow(stream, () => {
      wake();
    });
    const end = (): void => {
      over.abort();
      wake();
    };
    // Not `AbortSignal.timeout` in `AbortSignal.any`: Node 20 may collect the former as garbage before it is over.
    const timer = setTimeout(end, timeoutMs);
    gone?.addEventListener('abort', end);
    if (gone?.aborted === true) end();
    try {
      for (;;) {
        const woken = new Promise<void>((resolve) => {
          wake = resolve;
        });
        const { state } = await this.streams.load(decider, stream);
        if (holds(state) || over.signal.aborted) return state;
        await woken;
      }
    } finally {
      clearTimeout(timer);
      gone?.removeEventListener('abort', end);
      stop();
    }
  }
}

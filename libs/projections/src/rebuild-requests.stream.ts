import { once } from 'node:events';
import { Injectable } from '@nestjs/common';
import { byService, LiveEvents, Streams } from '#eventsourcing';
import { type RebuildJob, RebuildRequests } from '#read-models';
import { endRebuild, open, rebuildsDecider, type RebuildState } from './rebuild.decider.js';
import type { RebuildFact, RebuildRequested } from './rebuild.events.js';
import { projectionStream } from './rebuild.events.js';

/** Rebuilds are asked for, and told of, in the stream of their projection. */
@Injectable()
export class StreamRebuildRequests extends RebuildRequests {
  constructor(
    private readonly streams: Streams,
    private readonly live: LiveEvents,
  ) {
    super();
  }

  async *of(projection: string, signal: AbortSignal): AsyncGenerator<RebuildJob> {
    const stream = projectionStream(projection);
    const changed = new EventTarget();
    const left = new AbortController();
    const over = AbortSignal.any([signal, left.signal]);
    const stop = await this.live.follow(stream, () => changed.dispatchEvent(new Event('changed')));
    try {
      while (!signal.aborted) {
        // Whatever is stored from here on is heard.
        const heard = once(changed, 'changed', { signal: over }).catch(() => undefined);
        const rebuild = open((await this.streams.load(rebuildsDecider, stream)).state);
        if (rebuild === undefined) await heard;
        else {
          const abandoned = new AbortController();
          const look = this.watch(stream, rebuild, abandoned);
          changed.addEventListener('changed', look);
          yield this.job(rebuild, abandoned.signal);
          changed.removeEventListener('changed', look);
        }
      }
    } finally {
      left.abort();
      stop();
    }
  }

  /** What to do at each change of the stream: aborts once the rebuild is not the open one any more. */
  private watch(stream: string, { rebuild_id }: RebuildState, abandoned: AbortController): () => void {
    const look = async (): Promise<void> => {
      const { state } = await this.streams.load(rebuildsDecider, stream);
      if (open(state)?.rebuild_id !== rebuild_id) abandoned.abort();
    };
    return () => {
      // What cannot be read now is read when the rebuild has ended.
      look().catch(() => undefined);
    };
  }

  private job(rebuild: RebuildState, abandoned: AbortSignal): RebuildJob {
    const { rebuild_id, mode } = rebuild;
    return {
      mode,
      abandoned,
      completed: (result) => this.end(rebuild, { type: 'RebuildCompleted', data: { rebuild_id, ...result } }),
      failed: (reason) => this.end(rebuild, { type: 'RebuildFailed', data: { rebuild_id, reason } }),
    };
  }

  private async end(
    { projection, project }: RebuildState,
    end: Exclude<RebuildFact, RebuildRequested>,
  ): Promise<void> {
    await this.streams.execute(
      rebuildsDecider,
      projectionStream(projection),
      byService(project),
      (rebuilds) => endRebuild(rebuilds, end),
    );
  }
}

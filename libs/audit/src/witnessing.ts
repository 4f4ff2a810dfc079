import { setTimeout as pause } from 'node:timers/promises';
import { Leader } from '#read-models';
import type { Witness } from './witness.js';

const restMs = 1_000;

/** Keeps the tree growing, in one process at a time, until it is stopped. */
export class Witnessing {
  private readonly leader: Leader;

  /** @param failed is told what went wrong; it is tried again */
  constructor(
    private readonly witness: Witness,
    url: string,
    failed: (error: unknown) => void,
  ) {
    this.leader = new Leader(url, 'witness', failed);
  }

  start(): void {
    this.leader.start(async (signal) => {
      while (!signal.aborted) {
        const { more } = await this.witness.extend();
        if (!more) await pause(restMs, undefined, { signal }).catch(() => undefined);
      }
    });
  }

  stop(): Promise<void> {
    return this.leader.stop();
  }
}

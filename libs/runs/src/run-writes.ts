import { Injectable } from '@nestjs/common';
import { RecentWrites } from '#read-models';
import type { RunState } from './run.decider.js';

/** Remembers what this process has just changed of runs, so that its reads and its claims wait for it. */
@Injectable()
export class RunWrites {
  private last = 0n;

  constructor(private readonly writes: RecentWrites) {}

  /** Position of the newest of them, 0 when there is none. */
  get newest(): bigint {
    return this.last;
  }

  /** @param position up to which a read has the change; undefined when there is none */
  wrote({ id, session_id }: Pick<RunState, 'id' | 'session_id'>, position: bigint | undefined): void {
    if (position === undefined) return;
    this.writes.wrote(id, position);
    if (session_id !== null) this.writes.wrote(session_id, position);
    if (position > this.last) this.last = position;
  }
}

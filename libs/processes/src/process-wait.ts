import { Injectable } from '@nestjs/common';
import { byService, EventStore } from '#eventsourcing';
import { logStreamOf } from '#logs';
import { RecentWrites } from '#read-models';
import { hasEnded, processDecider, type ProcessOrNone, type ProcessState } from './process.decider.js';
import { processStream } from './process.events.js';
import { RunTeller } from './run-teller.js';
import { StateWatch } from './state-watch.js';

/** A process, and when it has ended a position behind all that became of it. */
export interface Waited {
  readonly process: ProcessState;
  readonly position?: bigint;
}

/** Waits for processes to end. */
@Injectable()
export class ProcessWait {
  constructor(
    private readonly watch: StateWatch,
    private readonly teller: RunTeller,
    private readonly store: EventStore,
    private readonly writes: RecentWrites,
  ) {}

  /**
   * The process once it has ended, or as it is when the time is over or nobody waits any more.
   * @throws StoreUnavailable
   */
  async for({ process_id }: ProcessState, timeoutMs: number, gone: AbortSignal): Promise<Waited> {
    const ended = (now: ProcessOrNone): boolean => now !== undefined && hasEnded(now);
    const stream = processStream(process_id);
    const process = (await this.watch.until(processDecider, stream, ended, timeoutMs, gone)) as ProcessState;
    if (!hasEnded(process)) return { process };
    // Who waits may end the run next, and its timeline takes nothing more then.
    await this.teller.exited(process, byService(process.project_id));
    // Or read the log, which its lines are in before its end is on record.
    const position = await this.store.head();
    const { run_id } = process;
    for (const id of [run_id, logStreamOf(run_id)]) this.writes.wrote(id, position);
    return { process, position };
  }
}

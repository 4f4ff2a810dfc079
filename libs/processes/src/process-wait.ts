import { Injectable } from '@nestjs/common';
import { byService } from '#eventsourcing';
import { hasEnded, processDecider, type ProcessOrNone, type ProcessState } from './process.decider.js';
import { processStream } from './process.events.js';
import { RunTeller } from './run-teller.js';
import { StateWatch } from './state-watch.js';

/** Waits for processes to end. */
@Injectable()
export class ProcessWait {
  constructor(
    private readonly watch: StateWatch,
    private readonly teller: RunTeller,
  ) {}

  /**
   * The process once it has ended, or as it is when the time is over or nobody waits any more.
   * @throws StoreUnavailable
   */
  async for({ process_id }: ProcessState, timeoutMs: number, gone: AbortSignal): Promise<ProcessState> {
    const ended = (now: ProcessOrNone): boolean => now !== undefined && hasEnded(now);
    const stream = processStream(process_id);
    const process = (await this.watch.until(processDecider, stream, ended, timeoutMs, gone)) as ProcessState;
    // Who waits may end the run next, and its timeline takes nothing more then.
    if (hasEnded(process)) await this.teller.exited(process, byService(process.project_id));
    return process;
  }
}

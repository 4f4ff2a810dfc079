import { Injectable } from '@nestjs/common';
import { type Causation, derivedUuid, type JsonObject, Streams } from '#eventsourcing';
import { appendEvents, isOver, runDecider, runStream } from '#runs';
import type { ProcessState } from './process.decider.js';

/**
 * Has the timeline of a run tell of its processes. Whoever does so again adds nothing, and the timeline of a
 * run that is over stays as it is.
 */
@Injectable()
export class RunTeller {
  constructor(private readonly streams: Streams) {}

  /** @throws StoreUnavailable */
  async started(process: ProcessState, causation: Causation): Promise<void> {
    const { sandbox_id, command, detached, pid } = process;
    await this.tell('process.started', process, { sandbox_id, command, detached, pid }, causation);
  }

  /** @throws StoreUnavailable */
  async exited(process: ProcessState, causation: Causation): Promise<void> {
    const { sandbox_id, status, exit_code, signal, reason } = process;
    await this.tell('process.exited', process, { sandbox_id, status, exit_code, signal, reason }, causation);
  }

  private async tell(
    type: 'process.started' | 'process.exited',
    { process_id, run_id, task_id }: ProcessState,
    more: JsonObject,
    causation: Causation,
  ): Promise<void> {
    const event = { type, data: { process_id, task_id, ...more }, id: derivedUuid(type, process_id) };
    await this.streams.execute(runDecider, runStream(run_id), causation, (run) =>
      run === undefined || isOver(run) ? [] : appendEvents(run, [event]),
    );
  }
}

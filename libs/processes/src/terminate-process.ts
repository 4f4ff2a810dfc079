import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type Causation, Streams } from '#eventsourcing';
import { expectLeaseOf } from '#runs';
import { findProcess } from './find-process.js';
import { processDecider, type ProcessState, requestTermination } from './process.decider.js';
import { processStream, type Signal } from './process.events.js';
import type { StartedProcess } from './start-process.js';

export class TerminateProcess extends Command<StartedProcess> {
  constructor(
    readonly id: string,
    readonly signal: Signal,
    readonly graceSeconds: number,
    readonly causation: Causation,
    readonly leaseId?: string,
  ) {
    super();
  }
}

/** @throws RuleViolation not_found, lease_lost */
@CommandHandler(TerminateProcess)
export class TerminateProcessHandler implements ICommandHandler<TerminateProcess> {
  constructor(private readonly streams: Streams) {}

  async execute(command: TerminateProcess): Promise<StartedProcess> {
    const { id, signal, graceSeconds: grace_seconds, causation, leaseId } = command;
    const { run_id } = await findProcess(this.streams, causation.principal, id);
    if (leaseId !== undefined) await expectLeaseOf(this.streams, run_id, leaseId);
    const { state, position } = await this.streams.execute(
      processDecider,
      processStream(id),
      causation,
      (process) => (process === undefined ? [] : requestTermination(process, { signal, grace_seconds })),
    );
    return { process: state as ProcessState, position };
  }
}

import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type Causation, Streams } from '#eventsourcing';
import { requireRevision } from '#http';
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
    readonly expected: number | undefined,
    readonly leaseId?: string,
  ) {
    super();
  }
}

/** @throws RuleViolation not_found, lease_lost, revision_mismatch */
@CommandHandler(TerminateProcess)
export class TerminateProcessHandler implements ICommandHandler<TerminateProcess> {
  constructor(private readonly streams: Streams) {}

  async execute(command: TerminateProcess): Promise<StartedProcess> {
    const { id, signal, graceSeconds: grace_seconds, causation, expected, leaseId } = command;
    const { run_id } = await findProcess(this.streams, causation.principal, id);
    if (leaseId !== undefined) await expectLeaseOf(this.streams, run_id, leaseId);
    const { state, position } = await this.streams.execute(
      processDecider,
      processStream(id),
      causation,
      (process) => {
        if (process === undefined) return [];
        requireRevision(expected, process.revision);
        return requestTermination(process, { signal, grace_seconds });
      },
    );
    return { process: state as ProcessState, position };
  }
}

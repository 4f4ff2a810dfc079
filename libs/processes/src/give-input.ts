import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type Causation, Streams } from '#eventsourcing';
import { expectLeaseOf } from '#runs';
import { findProcess } from './find-process.js';
import { expectAlive } from './process.decider.js';
import { ProcessInputs } from './process-inputs.js';

export class GiveInput extends Command<bigint | undefined> {
  constructor(
    readonly id: string,
    readonly bytes: Buffer,
    readonly closes: boolean,
    readonly causation: Causation,
    readonly leaseId?: string,
  ) {
    super();
  }
}

/** @throws RuleViolation not_found, lease_lost, process_ended, stdin_closed */
@CommandHandler(GiveInput)
export class GiveInputHandler implements ICommandHandler<GiveInput> {
  constructor(
    private readonly streams: Streams,
    private readonly inputs: ProcessInputs,
  ) {}

  async execute({ id, bytes, closes, causation, leaseId }: GiveInput): Promise<bigint | undefined> {
    const process = await findProcess(this.streams, causation.principal, id);
    if (leaseId !== undefined) await expectLeaseOf(this.streams, process.run_id, leaseId);
    expectAlive(process);
    return this.inputs.give(id, bytes, closes, causation);
  }
}

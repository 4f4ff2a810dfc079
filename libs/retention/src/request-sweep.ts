import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Causation } from '#eventsourcing';
import { Streams } from '#eventsourcing';
import { RecentWrites } from '#read-models';
import { requestSweep, type SweepState, sweepDecider } from './sweep.decider.js';
import { sweepStream } from './sweep.events.js';

export interface RequestedSweep {
  readonly sweep: SweepState;
  readonly position: bigint | undefined;
}

/** Asks for a sweep of the caller's project, which a process with the role `sweeper` carries out. */
export class RequestSweep extends Command<RequestedSweep> {
  constructor(readonly causation: Causation) {
    super();
  }
}

/** @throws RuleViolation already_running */
@CommandHandler(RequestSweep)
export class RequestSweepHandler implements ICommandHandler<RequestSweep> {
  constructor(
    private readonly streams: Streams,
    private readonly writes: RecentWrites,
  ) {}

  async execute({ causation }: RequestSweep): Promise<RequestedSweep> {
    const project_id = causation.principal.projectId;
    const request = { operation_id: causation.mint(), project_id, trigger: 'request' as const };
    const { state, position } = await this.streams.execute(
      sweepDecider,
      sweepStream(project_id),
      causation,
      (sweep) => requestSweep(sweep, request),
    );
    this.writes.wrote(request.operation_id, position);
    return { sweep: state as SweepState, position };
  }
}

import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Causation } from '#eventsourcing';
import { Streams } from '#eventsourcing';
import { findRun } from './find-run.js';
import { expectLease } from './lease.decider.js';
import type { RunState } from './run.decider.js';
import { runDecider } from './run.decider.js';
import { runStream } from './run.events.js';
import { RunWrites } from './run-writes.js';
import { appendEvents, type NewRunEvent, placesOf } from './timeline.decider.js';

export interface AppendedEvents {
  readonly first_sequence_number: number;
  readonly last_sequence_number: number;
  readonly appended: number;
  readonly skipped: number;
  readonly position: bigint | undefined;
}

export class AppendEvents extends Command<AppendedEvents> {
  constructor(
    readonly runId: string,
    readonly events: readonly NewRunEvent[],
    readonly causation: Causation,
    readonly leaseId: string | undefined,
  ) {
    super();
  }
}

/**
 * Sequence numbers are those of the events stored; of the earlier ones when none was.
 * @throws RuleViolation not_found, run_terminal, lease_lost
 */
@CommandHandler(AppendEvents)
export class AppendEventsHandler implements ICommandHandler<AppendEvents> {
  constructor(
    private readonly streams: Streams,
    private readonly writes: RunWrites,
  ) {}

  async execute({ runId, events, causation, leaseId }: AppendEvents): Promise<AppendedEvents> {
    const known = await findRun(this.streams, causation.principal, runId);
    const outcome = await this.streams.execute(runDecider, runStream(runId), causation, (run) => {
      expectLease(run as RunState, leaseId);
      return appendEvents(run as RunState, events);
    });
    const { position, through } = outcome;
    this.writes.wrote(known, position);
    const appended = outcome.events.length;
    const { first, last } =
      appended > 0
        ? { first: through - appended + 2, last: through + 1 }
        : placesOf(outcome.state as RunState, events);
    return {
      first_sequence_number: first,
      last_sequence_number: last,
      appended,
      skipped: events.length - appended,
      position,
    };
  }
}

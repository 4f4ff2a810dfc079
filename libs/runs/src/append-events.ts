import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Causation } from '#eventsourcing';
import { Streams } from '#eventsourcing';
import { RecentWrites } from '#read-models';
import { findRun } from './find-run.js';
import type { RunState } from './run.decider.js';
import { runDecider } from './run.decider.js';
import { runStream } from './run.events.js';
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
  ) {
    super();
  }
}

/** Sequence numbers are those of the events stored; of the earlier ones when none was. @throws RuleViolation not_found, run_terminal */
@CommandHandler(AppendEvents)
export class AppendEventsHandler implements ICommandHandler<AppendEvents> {
  constructor(
    private readonly streams: Streams,
    private readonly writes: RecentWrites,
  ) {}

  async execute({ runId, events, causation }: AppendEvents): Promise<AppendedEvents> {
    const { session_id } = await findRun(this.streams, causation.principal, runId);
    const outcome = await this.streams.execute(runDecider, runStream(runId), causation, (run) =>
      appendEvents(run as RunState, events),
    );
    const { position, revision } = outcome;
    this.writes.wrote(runId, position);
    if (session_id !== null) this.writes.wrote(session_id, position);
    const appended = outcome.events.length;
    const { first, last } =
      appended > 0
        ? { first: revision - appended + 2, last: revision + 1 }
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

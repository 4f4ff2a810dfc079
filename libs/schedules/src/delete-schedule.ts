import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Causation } from '#eventsourcing';
import { ScheduleBook } from './schedule-book.js';
import { deleteSchedule } from './schedule-changes.decider.js';

export class DeleteSchedule extends Command<bigint | undefined> {
  constructor(
    readonly id: string,
    readonly causation: Causation,
    readonly expected: number | undefined,
  ) {
    super();
  }
}

/** @throws RuleViolation not_found, session_deleted, revision_mismatch */
@CommandHandler(DeleteSchedule)
export class DeleteScheduleHandler implements ICommandHandler<DeleteSchedule> {
  constructor(private readonly book: ScheduleBook) {}

  async execute({ id, causation, expected }: DeleteSchedule): Promise<bigint | undefined> {
    const { session_id } = await this.book.findToChange(causation.principal, id);
    const { position } = await this.book.change(session_id, id, causation, (schedules) =>
      deleteSchedule(schedules, id, expected),
    );
    return position;
  }
}

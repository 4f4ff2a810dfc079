import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Causation } from '#eventsourcing';
import { type ChangedSchedule, ScheduleBook } from './schedule-book.js';
import { changeSchedule } from './schedule-changes.decider.js';
import { runOf, timesOf } from './schedule-wish.js';
import type { UpdateScheduleBody } from './schedule.bodies.js';

export class UpdateSchedule extends Command<ChangedSchedule> {
  constructor(
    readonly id: string,
    readonly body: UpdateScheduleBody,
    readonly causation: Causation,
    readonly expected: number | undefined,
  ) {
    super();
  }
}

/**
 * Changes a schedule, enables it or disables it.
 * @throws RuleViolation not_found, session_deleted, revision_mismatch, too_many_schedules, validation_failed;
 *   ProblemError validation_failed, payload_too_large
 */
@CommandHandler(UpdateSchedule)
export class UpdateScheduleHandler implements ICommandHandler<UpdateSchedule> {
  constructor(private readonly book: ScheduleBook) {}

  async execute({ id, body, causation, expected: named }: UpdateSchedule): Promise<ChangedSchedule> {
    const { principal, milliseconds: now } = causation;
    const before = await this.book.findToChange(principal, id);
    const { name, run, on_active_run, enabled } = body;
    const change = {
      ...(name !== undefined && { name }),
      times: timesOf(body, before.times, now),
      ...(run !== undefined && { run: runOf(run) }),
      ...(on_active_run !== undefined && { on_active_run }),
      ...(enabled !== undefined && { enabled }),
    };
    // What a schedule has missed for long is more than one decision goes through.
    const { expected } = await this.book.catchUp(before, now, named);
    return this.book.change(before.session_id, id, causation, (schedules) =>
      changeSchedule(schedules, id, change, now, expected),
    );
  }
}

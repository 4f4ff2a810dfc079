import { Command, CommandBus, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Causation } from '#eventsourcing';
import { type CreatedRun, CreateRun } from '#runs';
import { bodyOf } from './run-body.js';
import { ScheduleBook } from './schedule-book.js';
import { noteTrigger } from './schedule-changes.decider.js';

export class TriggerSchedule extends Command<CreatedRun> {
  constructor(
    readonly id: string,
    readonly causation: Causation,
  ) {
    super();
  }
}

/** Makes a run now, by the authority of who asks. @throws RuleViolation not_found, session_deleted, and all that refuses a run */
@CommandHandler(TriggerSchedule)
export class TriggerScheduleHandler implements ICommandHandler<TriggerSchedule> {
  constructor(
    private readonly commands: CommandBus,
    private readonly book: ScheduleBook,
  ) {}

  async execute({ id, causation }: TriggerSchedule): Promise<CreatedRun> {
    const schedule = await this.book.findToChange(causation.principal, id);
    const { session_id } = schedule;
    const made = await this.commands.execute(
      new CreateRun(bodyOf(schedule, { schedule_id: id }), causation, session_id),
    );
    const { position = made.position } = await this.book.change(session_id, id, causation, (schedules) =>
      noteTrigger(schedules, id, made.run.id),
    );
    return { run: made.run, position };
  }
}

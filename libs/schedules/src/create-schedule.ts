import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { Authority } from '#access';
import type { Causation } from '#eventsourcing';
import { RuleViolation, Streams } from '#eventsourcing';
import { findSession } from '#sessions';
import { fileSchedule, filingDecider } from './filing.decider.js';
import { type ChangedSchedule, ScheduleBook } from './schedule-book.js';
import { createSchedule } from './schedule-changes.decider.js';
import { runOf, timesOf } from './schedule-wish.js';
import type { CreateScheduleBody } from './schedule.bodies.js';
import { filingStream } from './schedule.events.js';

export class CreateSchedule extends Command<ChangedSchedule> {
  constructor(
    readonly sessionId: string,
    readonly body: CreateScheduleBody,
    readonly causation: Causation,
  ) {
    super();
  }
}

/** @throws RuleViolation not_found, session_deleted, forbidden, too_many_schedules; ProblemError validation_failed, payload_too_large */
@CommandHandler(CreateSchedule)
export class CreateScheduleHandler implements ICommandHandler<CreateSchedule> {
  constructor(
    private readonly streams: Streams,
    private readonly authority: Authority,
    private readonly book: ScheduleBook,
  ) {}

  async execute({ sessionId, body, causation }: CreateSchedule): Promise<ChangedSchedule> {
    const { principal, milliseconds: now } = causation;
    const session = await findSession(this.streams, principal, sessionId);
    // What a token allows is known only while somebody sends it.
    if ((await this.authority.principal(principal.principalId, now)) === undefined) {
      throw new RuleViolation('forbidden', 'a schedule fires by the authority of an API key, not of a token');
    }
    const birth = {
      schedule_id: causation.mint(),
      project_id: session.project_id,
      session_id: sessionId,
      user_id: session.user_id,
      ...(body.name != null && { name: body.name }),
      times: timesOf(body, undefined, now),
      run: runOf(body.run),
      on_active_run: body.on_active_run,
      enabled: body.enabled,
    };
    const { schedule_id: id } = birth;
    await this.streams.execute(
      filingDecider,
      filingStream(id),
      causation,
      (filed) => fileSchedule(filed, id, sessionId),
      { minted: true },
    );
    return this.book.change(sessionId, id, causation, (schedules) => createSchedule(schedules, birth, now));
  }
}

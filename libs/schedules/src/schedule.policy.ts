import { Inject, Injectable } from '@nestjs/common';
import type { RecordedEvent } from '#eventsourcing';
import { reactionTo, Streams } from '#eventsourcing';
import type { Sql } from '#read-models';
import { Projection } from '#read-models';
import { sessionStream } from '#sessions';
import { schedulesDecider } from './schedule.decider.js';
import { endSchedules } from './schedule-changes.decider.js';
import { scheduleStream } from './schedule.events.js';

const sessions = sessionStream('');

/** Ends the schedules of sessions that are deleted. Everything in it may be done twice. */
@Injectable()
export class SchedulePolicy extends Projection {
  readonly name = 'schedule_policy';
  readonly version = 1;
  readonly prefixes = [sessions];
  readonly tables = '';
  readonly indexes = '';

  constructor(@Inject(Streams) private readonly streams: Streams) {
    super();
  }

  async apply(_sql: Sql, events: readonly RecordedEvent[]): Promise<void> {
    for (const event of events) {
      if (event.type !== 'SessionDeleted') continue;
      const stream = scheduleStream(event.stream.slice(sessions.length));
      await this.streams.execute(schedulesDecider, stream, reactionTo(event), (schedules) =>
        endSchedules(schedules, 'session_deleted'),
      );
    }
  }
}

import { Injectable } from '@nestjs/common';
import { visible } from '#access';
import type { Causation, Outcome, Principal } from '#eventsourcing';
import { byService, RuleViolation, Streams } from '#eventsourcing';
import { RecentWrites } from '#read-models';
import { findSession } from '#sessions';
import { filingDecider } from './filing.decider.js';
import {
  type Schedules,
  schedulesDecider,
  type SchedulesFact,
  type ScheduleState,
} from './schedule.decider.js';
import { comeDue, summingUp } from './schedule-changes.decider.js';
import { filingStream, type ScheduleCameDue, type ScheduleFact, scheduleStream } from './schedule.events.js';

export interface ChangedSchedule {
  /** Undefined when there is none any more. */
  readonly schedule: ScheduleState | undefined;
  /** Undefined when nothing changed. */
  readonly position: bigint | undefined;
}

/** Finds schedules in the streams of their sessions, and changes them there. */
@Injectable()
export class ScheduleBook {
  constructor(
    private readonly streams: Streams,
    private readonly writes: RecentWrites,
  ) {}

  /** The schedule as it is now, if there is one that the caller may see. @throws RuleViolation not_found */
  async find(principal: Principal, id: string): Promise<ScheduleState> {
    const session = await this.streams.glance(filingDecider, filingStream(id));
    if (session !== undefined) {
      const { state } = await this.streams.load(schedulesDecider, scheduleStream(session));
      const schedule = state[id];
      if (schedule !== undefined && visible(principal, schedule)) return schedule;
    }
    throw new RuleViolation('not_found', `there is no schedule ${id}`);
  }

  /** The same for one that is to change. @throws RuleViolation not_found, session_deleted */
  async findToChange(principal: Principal, id: string): Promise<ScheduleState> {
    const schedule = await this.find(principal, id);
    await findSession(this.streams, principal, schedule.session_id);
    return schedule;
  }

  /** Has the schedules of a session decide on one of them. @throws RuleViolation from the decision */
  async change(
    sessionId: string,
    id: string,
    causation: Causation,
    decide: (schedules: Schedules) => readonly ScheduleFact[],
  ): Promise<ChangedSchedule> {
    const { state, position } = await this.decide(sessionId, causation, decide);
    this.writes.wrote(id, position);
    this.writes.wrote(sessionId, position);
    return { schedule: state[id], position };
  }

  /**
   * Makes the times that have come owed, however many there are.
   * @param now milliseconds since 1970
   * @param expected revision that the schedule must have
   * @returns the times that this made owed, the position of the last append, and the revision expected from then on
   * @throws RuleViolation revision_mismatch
   */
  async catchUp(
    { id, session_id, project_id: project }: ScheduleState,
    now: number,
    expected?: number,
  ): Promise<{ times: readonly string[]; position: bigint | undefined; expected: number | undefined }> {
    const times: string[] = [];
    for (let last: bigint | undefined; ;) {
      const { events, position, state } = await this.decide(session_id, byService(project), (schedules) =>
        comeDue(schedules, id, now, expected),
      );
      if (events.length === 0) return { times, position: last, expected };
      last = position;
      if (expected !== undefined) expected = state[id]?.revision;
      const come = events.filter(({ type }) => type === 'ScheduleCameDue') as readonly ScheduleCameDue[];
      times.push(...come.flatMap(({ data }) => data.times));
    }
  }

  private decide(
    sessionId: string,
    causation: Causation,
    decide: (schedules: Schedules) => readonly ScheduleFact[],
  ): Promise<Outcome<Schedules, SchedulesFact>> {
    return this.streams.execute(
      schedulesDecider,
      scheduleStream(sessionId),
      causation,
      (schedules, revision) => summingUp(schedules, revision, decide(schedules)),
    );
  }
}

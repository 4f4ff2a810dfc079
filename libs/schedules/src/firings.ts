import { Injectable } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { Authority, writers } from '#access';
import {
  Causation,
  derivedUuid,
  rankedUuidv7,
  RuleViolation,
  servicePrincipal,
  Streams,
} from '#eventsourcing';
import { ProblemError } from '#http';
import { CreateRun, runDecider, runStream } from '#runs';
import { bodyOf } from './run-body.js';
import { ScheduleBook } from './schedule-book.js';
import { endSchedules, settleTime } from './schedule-changes.decider.js';
import { type OwedTime, type Schedules, schedulesDecider, type ScheduleState } from './schedule.decider.js';
import { scheduleStream } from './schedule.events.js';

/** Has schedules fire: each time that has come gets its run, or the rule that it has none for. */
@Injectable()
export class Firings {
  constructor(
    private readonly streams: Streams,
    private readonly commands: CommandBus,
    private readonly authority: Authority,
    private readonly book: ScheduleBook,
  ) {}

  /**
   * Fires all of a session that is due, in order. Whatever it is stopped by, done again it goes on there.
   * @returns the position of its last event; undefined when nothing was due
   */
  async fire(sessionId: string, signal: AbortSignal): Promise<bigint | undefined> {
    const stream = scheduleStream(sessionId);
    const { state: before } = await this.streams.load(schedulesDecider, stream);
    const fresh = new Set<string>();
    let last: bigint | undefined;
    for (const schedule of all(before)) {
      const seen = await this.book.catchUp(schedule, Date.now());
      for (const time of seen.times) fresh.add(`${schedule.id} ${time}`);
      last = seen.position ?? last;
    }
    const { state: after } = await this.streams.load(schedulesDecider, stream);
    const owed = all(after).flatMap((schedule) => schedule.owed.map((time) => ({ id: schedule.id, time })));
    owed.sort((a, b) => Date.parse(a.time.due_at) - Date.parse(b.time.due_at));
    for (const { id, time } of owed) {
      if (signal.aborted) break;
      last = (await this.settle(sessionId, id, time, !fresh.has(`${id} ${time.due_at}`))) ?? last;
    }
    return last;
  }

  /** @param again an attempt before may have made the run already */
  private async settle(
    sessionId: string,
    id: string,
    time: OwedTime,
    again: boolean,
  ): Promise<bigint | undefined> {
    const { state } = await this.streams.load(schedulesDecider, scheduleStream(sessionId));
    const schedule = state[id];
    if (schedule?.owed.some(({ due_at }) => due_at === time.due_at) !== true) return undefined;
    const became = await this.run(schedule, time, again).catch(refusalOf);
    const gone = 'code' in became && became.code === 'session_deleted';
    const settled = await this.book.change(sessionId, id, byService(schedule), (schedules) =>
      settleTime(schedules, id, time.due_at, became),
    );
    if (!gone) return settled.position;
    const ended = await this.book.change(sessionId, id, byService(schedule), (schedules) =>
      endSchedules(schedules, 'session_deleted'),
    );
    return ended.position ?? settled.position;
  }

  /** Makes the run, which is the same however often this is done. @throws RuleViolation what refuses it */
  private async run(schedule: ScheduleState, time: OwedTime, again: boolean): Promise<{ run_id: string }> {
    const { id, session_id, creator } = schedule;
    const { due_at } = time;
    const at = Date.parse(time.seen_at);
    // Times that were missed are seen at one moment, and workers take the least id first.
    const run_id = rankedUuidv7(at, Math.floor(Date.parse(due_at) / 1_000), id, due_at);
    if (again && (await this.streams.load(runDecider, runStream(run_id))).state !== undefined)
      return { run_id };
    const principal = await this.authority.principal(creator, Date.now());
    if (principal === undefined) {
      throw new RuleViolation('unauthenticated', 'the key that created the schedule is no longer valid');
    }
    if (!writers.some((role) => role === principal.role)) {
      throw new RuleViolation('forbidden', `a ${principal.role} may not create runs`);
    }
    const seed = { id: derivedUuid(id, due_at), at, recovering: again };
    const causation = new Causation(principal, { seed, correlationId: id });
    const body = bodyOf(schedule, { schedule_id: id, due_at, late_ms: at - Date.parse(due_at) });
    await this.commands.execute(new CreateRun(body, causation, session_id, undefined, run_id));
    return { run_id };
  }
}

const all = (schedules: Schedules): ScheduleState[] =>
  Object.values(schedules).filter((schedule) => schedule !== undefined);

/** All that a schedule does is one piece of work, by its id. */
const byService = ({ id, project_id }: ScheduleState): Causation =>
  new Causation(servicePrincipal(project_id), { correlationId: id });

function refusalOf(error: unknown): { code: string; detail: string } {
  if (error instanceof RuleViolation || error instanceof ProblemError) {
    return { code: error.code, detail: error.detail };
  }
  throw error;
}

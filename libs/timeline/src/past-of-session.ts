import { Injectable } from '@nestjs/common';
import { EventStore, type Fact, Streams } from '#eventsourcing';
import { type AsOf, ProblemError, ReadModelClock } from '#http';
import { Database, RecentWrites } from '#read-models';
import { type RunFact, ToldProcesses } from '#runs';
import { type SchedulesFact, scheduleStream } from '#schedules';
import {
  counted,
  countedAnew,
  countedSchedule,
  type FeedPoint,
  noFigures,
  type PointAsked,
  type ProcessCounts,
  type Session,
  sessionDecider,
  type SessionFact,
  type SessionFigures,
  SessionPast,
  type SessionState,
  sessionStream,
} from '#sessions';
import { SessionFeed } from './session-feed.js';
import { sessionIdOf } from './timeline-event.js';

/** How long is waited for the timelines to have what is stored, in milliseconds. */
const patience = 5_000;

/** Folds a session and what its runs tell of it, up to a moment. */
@Injectable()
export class PastOfSession extends SessionPast {
  constructor(
    private readonly database: Database,
    private readonly streams: Streams,
    private readonly store: EventStore,
    private readonly clock: ReadModelClock,
    private readonly writes: RecentWrites,
  ) {
    super();
  }

  async at(id: string, had: AsOf): Promise<{ session: SessionState; figures: SessionFigures } | undefined> {
    await this.writes.settled('timeline', id);
    // What a fork shares has not happened in it.
    const known = await this.streams.glance(sessionDecider, sessionStream(id));
    const shared = known?.forked_from?.sequence_number ?? 0;
    let session: Session;
    let figures = noFigures;
    const processes = new Map<string, ToldProcesses>();
    let end: bigint | undefined;
    for await (const { place, event } of this.feed(id).events(shared, 'asc')) {
      if (!had(place, event.metadata.at)) {
        end = event.position;
        break;
      }
      if (sessionIdOf(event.stream) === id) {
        const fact = event as Fact as SessionFact;
        session = sessionDecider.evolve(session, fact, event);
        figures = countedAnew(figures, fact);
      } else {
        const fact = event as Fact as RunFact;
        figures = counted(figures, fact, event);
        const told = processes.get(event.stream) ?? new ToldProcesses();
        told.tell(fact);
        processes.set(event.stream, told);
      }
    }
    figures = { ...figures, process_counts: sum(processes.values()) };
    return session && { session, figures: await this.withSchedules(id, figures, had, end) };
  }

  /**
   * What is told of the session's schedules, whose events have no place in its feed: they happened before
   * an event of the feed when they lie before it in the store.
   * @param end position of the first event of the feed that had not happened; undefined when all had
   */
  private async withSchedules(
    id: string,
    figures: SessionFigures,
    had: AsOf,
    end: bigint | undefined,
  ): Promise<SessionFigures> {
    const newest: SchedulesFact[] = [];
    for await (const event of this.store.readStream(scheduleStream(id), { direction: 'backwards' })) {
      const before = end === undefined || event.position < end;
      if (!had(before ? 0 : Infinity, event.metadata.at)) continue;
      newest.push(event as Fact as SchedulesFact);
      if (event.type === 'SchedulesSummed') break;
    }
    return newest.reduceRight(countedSchedule, figures);
  }

  async point(id: string, { at_sequence, at_time }: PointAsked): Promise<FeedPoint> {
    if (!(await this.clock.reached('timeline', await this.store.head(), patience))) throw lagging();
    const feed = this.feed(id);
    const end = await feed.last();
    if (at_sequence != null && at_sequence > end) throw noPoint('at_sequence', `the feed ends at ${end}`);
    const sequence_number = at_sequence ?? (at_time == null ? end : await lastBy(feed, at_time, end));
    if (sequence_number === 0) throw noPoint('at_time', 'nothing had happened in the session by then');
    const found: { position: bigint; at: number }[] = [];
    for await (const { event } of feed.events(sequence_number - 1, 'asc', 2)) {
      found.push({ position: event.position, at: Date.parse(event.metadata.at) });
    }
    const [last, behind] = found;
    if (last === undefined) throw lagging();
    const next = at_time == null ? behind : { at: Date.parse(at_time) + 1 };
    return { sequence_number, position: last.position, next };
  }

  private feed(id: string): SessionFeed {
    return new SessionFeed(this.database, this.streams, id);
  }
}

function sum(processes: Iterable<ToldProcesses>): ProcessCounts {
  const total = { starting: 0, running: 0, ended: 0 };
  for (const { counts } of processes) {
    total.running += counts.running;
    total.ended += counts.ended;
  }
  return total;
}

/** Number of the last event that no later one than `time` stands before; 0 when there is none. */
async function lastBy(feed: SessionFeed, time: string, end: number): Promise<number> {
  const from = await feed.firstAfter(time);
  if (from === undefined) return end;
  for await (const { place, event } of feed.events(from - 1, 'asc')) {
    if (Date.parse(event.metadata.at) > Date.parse(time)) return place - 1;
  }
  return end;
}

function noPoint(field: keyof PointAsked, detail: string): ProblemError {
  return new ProblemError('validation_failed', `${field}: ${detail}.`, {
    errors: [{ pointer: `/${field}`, detail }],
  });
}

const lagging = (): ProblemError =>
  new ProblemError('projection_lagging', 'The timelines have not come to what is stored by now.');

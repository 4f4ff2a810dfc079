import { Injectable } from '@nestjs/common';
import { LiveEvents, Streams } from '#eventsourcing';
import { EventStreams, FeedFollower, placeOf, refusePages, type RequestContext } from '#http';
import { Database, RecentWrites } from '#read-models';
import { findRun, isOver, runDecider, runEnds, runStream } from '#runs';
import { filterOf } from './list-logs.js';
import type { ListLogsQuery } from './log.bodies.js';
import { expectKept } from './log-extent.js';
import { LogFeed } from './log-feed.js';
import { logStreamOf } from './log.events.js';
import { type LogEntry, type LogFilter, matcher, readLog } from './log-reader.js';

/** Answers with a log as Server-Sent Events: `event: log`, `id: <seq>`, until the run has ended and all is sent. */
@Injectable()
export class FollowLog {
  constructor(
    private readonly streams: Streams,
    private readonly events: LiveEvents,
    private readonly open: EventStreams,
    private readonly database: Database,
    private readonly writes: RecentWrites,
  ) {}

  /** @throws RuleViolation not_found; ProblemError gone, validation_failed; StoreUnavailable */
  async follow(runId: string, query: ListLogsQuery, ctx: RequestContext): Promise<void> {
    refusePages(query);
    const { after_seq, ...rest } = query;
    const filter = filterOf({ ...rest, order: 'asc' }, ctx);
    const matches = matcher(filter);
    await findRun(this.streams, ctx.principal, runId);
    const feed = new LogFeed(this.streams, runId);
    const asked = placeOf(after_seq, ctx);
    const place = await (asked === undefined && query.tail !== undefined
      ? this.behindWhich(runId, filter, query.tail)
      : this.start(feed, asked));
    let follower: FeedFollower<LogEntry> | undefined;
    const stops = [
      await this.events.follow(feed.stream, (events) => {
        for (const event of events) {
          const lines = feed.placed(event);
          follower?.live(lines, (lines[0]?.place ?? 1) - 1);
        }
      }),
      await this.events.follow(runStream(runId), (events) => {
        if (events.some(runEnds)) follower?.close();
      }),
    ];
    const stop = (): void => {
      for (const one of stops) one();
    };
    const { state } = await this.streams.load(runDecider, runStream(runId)).catch((error: unknown) => {
      stop();
      throw error;
    });
    const over = state === undefined || isOver(state);
    await this.open.serve(
      ctx,
      (stream) =>
        (follower = new FeedFollower(stream, feed, (entry) => matches(entry, entry.seq), place, over)),
      stop,
    );
  }

  /** @throws ProblemError gone when lines behind the place asked for have been removed */
  private async start(feed: LogFeed, asked: number | undefined): Promise<number> {
    expectKept(await feed.extent(), { after: asked });
    return asked ?? 0;
  }

  /** Behind which line the last lines that match begin. */
  private async behindWhich(runId: string, filter: LogFilter, tail: number): Promise<number> {
    await this.writes.settled('logs', logStreamOf(runId));
    const { entries } = await readLog(this.database, runId, filter, 'desc', tail);
    return (entries.at(-1)?.seq ?? 1) - 1;
  }
}

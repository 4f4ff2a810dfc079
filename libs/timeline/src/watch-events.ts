import { Injectable } from '@nestjs/common';
import { EventStore, LiveEvents, Streams } from '#eventsourcing';
import {
  type EventStream,
  EventStreams,
  FeedFollower,
  frame,
  placeOf,
  refusePages,
  type RequestContext,
} from '#http';
import { Database } from '#read-models';
import {
  isOver,
  runDecider,
  type RunResource,
  runResource,
  Runs,
  type RunState,
  runStream,
  RunWatch,
} from '#runs';
import type { SessionResource } from '#sessions';
import { type EventsQuery, filterOf, type SessionEventsQuery } from './event-filter.js';
import type { ShownEvent } from './timeline-event.js';
import { LiveSessions } from './live-sessions.js';
import { ProjectFeed } from './project-feed.js';
import { RunFeed } from './run-feed.js';
import { SessionFeed } from './session-feed.js';
import { WatcherSeats } from './watcher-seats.js';

/** Answers with feeds as Server-Sent Events. */
@Injectable()
export class WatchEvents extends RunWatch {
  constructor(
    private readonly streams: Streams,
    private readonly store: EventStore,
    private readonly events: LiveEvents,
    private readonly open: EventStreams,
    private readonly database: Database,
    private readonly sessions: LiveSessions,
    private readonly runs: Runs,
    private readonly seats: WatcherSeats,
  ) {
    super();
  }

  fromCreation(run: RunState, ctx: RequestContext): Promise<void> {
    return this.run(run, {}, ctx);
  }

  /** Until the run has ended and all is sent. @throws StoreUnavailable; ProblemError as of a list */
  async run(run: RunState, query: EventsQuery, ctx: RequestContext): Promise<void> {
    refusePages(query);
    const wanted = filterOf(query);
    const place = placeOf(query.starting_after, ctx) ?? 0;
    const feed = new RunFeed(this.streams, run.id, run.session_id ?? undefined);
    let follower: FeedFollower<ShownEvent> | undefined;
    const stop = await this.events.follow(feed.stream, (events) => {
      follower?.live(
        events.map((event) => feed.placed(event)),
        events[0]?.revision ?? 0,
      );
    });
    const [state, shown] = await this.snapshot(run).catch((error: unknown) => {
      stop();
      throw error;
    });
    await this.open.serve(
      ctx,
      (stream) => {
        stream.write(frame('snapshot', shown));
        return (follower = new FeedFollower(stream, feed, wanted, place, isOver(state)));
      },
      stop,
    );
  }

  private async snapshot(run: RunState): Promise<[RunState, RunResource]> {
    const { state = run } = await this.streams.load(runDecider, runStream(run.id));
    return [state, runResource(await this.runs.withCounts(state))];
  }

  /** Until the session is deleted, or another attaches where this one was attached. */
  async session(session: SessionResource, query: SessionEventsQuery, ctx: RequestContext): Promise<void> {
    refusePages(query);
    const wanted = filterOf(query);
    const feed = new SessionFeed(this.database, this.streams, session.id);
    const start = query.after === undefined ? 0 : ((await feed.firstAfter(query.after)) ?? 1) - 1;
    const place = placeOf(query.starting_after, ctx) ?? start;
    let follower: FeedFollower<ShownEvent> | undefined;
    const stop = await this.sessions.follow(session.id, feed, {
      live: (placed, from) => follower?.live(placed, from),
      wake: () => follower?.wake(),
    });
    const leaving = new Leaving();
    const leave = await this.seat(session.id, query, leaving).catch((error: unknown) => {
      stop();
      throw error;
    });
    await this.open.serve(
      ctx,
      (stream) => {
        stream.write(frame('snapshot', session));
        leaving.from(stream);
        return (follower = new FeedFollower(stream, feed, wanted, place));
      },
      () => {
        stop();
        leave();
      },
    );
  }

  private async seat(id: string, { attach }: SessionEventsQuery, leaving: Leaving): Promise<() => void> {
    if (!attach) return () => undefined;
    return this.seats.take(id, () => {
      leaving.now();
    });
  }

  /** Until the client goes away. */
  async project(query: EventsQuery, ctx: RequestContext): Promise<void> {
    refusePages(query);
    const wanted = filterOf(query);
    const place = placeOf(query.starting_after, ctx) ?? 0;
    const feed = new ProjectFeed(this.store, ctx.principal.projectId);
    let follower: FeedFollower<ShownEvent> | undefined;
    const stop = await this.events.followAll((events, from) => {
      follower?.live(
        events.map((event) => feed.placed(event)),
        Number(from),
      );
    });
    await this.open.serve(ctx, (stream) => (follower = new FeedFollower(stream, feed, wanted, place)), stop);
  }
}

/** Sends a watcher away whose place another has taken, be it before its stream is open. */
class Leaving {
  private stream: EventStream | undefined;
  private asked = false;

  from(stream: EventStream): void {
    this.stream = stream;
    if (this.asked) this.now();
  }

  now(): void {
    this.asked = true;
    this.stream?.write(frame('displaced', { reason: 'another watcher has attached to the session' }));
    this.stream?.end();
  }
}

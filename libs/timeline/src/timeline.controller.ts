import { Controller, Get } from '@nestjs/common';
import { ApiProduces, ApiTags } from '@nestjs/swagger';
import { Allow, auditors, readers, writers } from '#access';
import { EventStore, RuleViolation, Streams } from '#eventsourcing';
import {
  ApiPage,
  Ctx,
  type Page,
  PathId,
  ProblemError,
  ReadModelClock,
  RequestContext,
  ValidQuery,
  waitFor,
  wantsEventStream,
} from '#http';
import { Database, RecentWrites } from '#read-models';
import { findRun } from '#runs';
import { Sessions } from '#sessions';
import { EventsQuery, SessionEventsQuery } from './event-filter.js';
import { listEvents, type ListedEvents } from './list-events.js';
import { ListToolCallsQuery, ToolCalls } from './list-tool-calls.js';
import { ProjectFeed } from './project-feed.js';
import { RunFeed } from './run-feed.js';
import { SessionFeed } from './session-feed.js';
import { EventResource, ToolCallResource } from './timeline.resource.js';
import { WatchEvents } from './watch-events.js';

const eventStream = 'text/event-stream';

@ApiTags('events')
@Controller('v1')
export class TimelineController {
  constructor(
    private readonly streams: Streams,
    private readonly store: EventStore,
    private readonly database: Database,
    private readonly clock: ReadModelClock,
    private readonly writes: RecentWrites,
    private readonly sessions: Sessions,
    private readonly calls: ToolCalls,
    private readonly watch: WatchEvents,
  ) {}

  /** The run's timeline, oldest first; with `Accept: text/event-stream` live, until the run has ended. */
  @Get('runs/:id/events')
  @Allow(...readers)
  @ApiPage(EventResource)
  @ApiProduces('application/json', eventStream)
  async ofRun(
    @PathId() id: string,
    @ValidQuery() query: EventsQuery,
    @Ctx() ctx: RequestContext,
  ): Promise<ListedEvents | undefined> {
    const run = await findRun(this.streams, ctx.principal, id);
    if (!wantsEventStream(ctx)) {
      return listEvents(new RunFeed(this.streams, id, run.session_id ?? undefined), query, ctx);
    }
    await this.watch.run(run, query, ctx);
    return undefined;
  }

  /** What happens in the session and in its runs; with `Accept: text/event-stream` live, until it is deleted. */
  @Get('sessions/:id/events')
  @Allow(...readers)
  @ApiPage(EventResource)
  @ApiProduces('application/json', eventStream)
  async ofSession(
    @PathId() id: string,
    @ValidQuery() query: SessionEventsQuery,
    @Ctx() ctx: RequestContext,
  ): Promise<ListedEvents | undefined> {
    await waitFor(this.clock, ctx, 'timeline');
    const session = await this.sessions.get(ctx.principal, id);
    await this.writes.settled('timeline', id);
    if (query.attach) expectAttachable(ctx);
    if (wantsEventStream(ctx)) {
      await this.watch.session(session, query, ctx);
      return undefined;
    }
    const feed = new SessionFeed(this.database, this.streams, id);
    const nowhere = Number.MAX_SAFE_INTEGER;
    const first = query.after === undefined ? 1 : ((await feed.firstAfter(query.after)) ?? nowhere);
    return listEvents(feed, query, ctx, first - 1);
  }

  /** Everything that happens in the project; with `Accept: text/event-stream` live. */
  @Get('events')
  @Allow(...auditors)
  @ApiPage(EventResource)
  @ApiProduces('application/json', eventStream)
  async ofProject(
    @ValidQuery() query: EventsQuery,
    @Ctx() ctx: RequestContext,
  ): Promise<ListedEvents | undefined> {
    if (!wantsEventStream(ctx)) {
      return listEvents(new ProjectFeed(this.store, ctx.principal.projectId), query, ctx);
    }
    await this.watch.project(query, ctx);
    return undefined;
  }

  /** The tool calls of the run as its events tell them. */
  @Get('runs/:id/tool_calls')
  @Allow(...readers)
  @ApiPage(ToolCallResource)
  async toolCalls(
    @PathId() id: string,
    @ValidQuery() query: ListToolCallsQuery,
    @Ctx() ctx: RequestContext,
  ): Promise<Page<ToolCallResource>> {
    await findRun(this.streams, ctx.principal, id);
    await waitFor(this.clock, ctx, 'timeline');
    await this.writes.settled('timeline', id);
    return this.calls.list(id, query, ctx);
  }
}

/** To attach sends another away: it is for those who may change the session, and for live answers. */
function expectAttachable(ctx: RequestContext): void {
  const { role } = ctx.principal;
  if (!writers.some((one) => one === role)) {
    throw new RuleViolation('forbidden', `a caller with the role ${role} may not attach`);
  }
  if (wantsEventStream(ctx)) return;
  const detail = 'is for an answer of type text/event-stream';
  throw new ProblemError('validation_failed', `attach ${detail}.`, {
    errors: [{ parameter: 'attach', detail }],
  });
}

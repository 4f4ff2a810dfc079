import { Controller, Get, HttpCode, Patch, Post } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiAcceptedResponse, ApiCreatedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { Allow, readers, writers } from '#access';
import {
  ApiPage,
  asOf,
  AsOfQuery,
  changed,
  Creates,
  Ctx,
  ifMatch,
  located,
  made,
  type Page,
  PathId,
  patience,
  ReadModelClock,
  RequestContext,
  resource,
  ValidBody,
  ValidQuery,
  waitFor,
  wantsEventStream,
} from '#http';
import { CancelRun } from './cancel-run.js';
import { CreateRun, unfit } from './create-run.js';
import { LeaseId } from './lease-header.js';
import { ListRuns } from './list-runs.js';
import {
  CancelRunBody,
  CreateRunBody,
  CreateRunQuery,
  CreateSessionRunBody,
  ListRunsQuery,
  ListSessionRunsQuery,
  UpdateRunBody,
} from './run.bodies.js';
import { CancelledRun, NewRun, RunResource, runResource, RunTree } from './run.resource.js';
import { isOver } from './run.decider.js';
import { RunEnds } from './run-ends.js';
import { RunWatch } from './run-watch.js';
import { Runs } from './runs.js';
import { UpdateRun } from './update-run.js';
import { Sessions } from '#sessions';

/** How long a client may wait for the end of its run, in milliseconds. */
const mostWait = 60_000;

@ApiTags('runs')
@Controller('v1')
export class RunsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
    private readonly runs: Runs,
    private readonly sessions: Sessions,
    private readonly ends: RunEnds,
    private readonly watch: RunWatch,
    private readonly clock: ReadModelClock,
  ) {}

  @Post('runs')
  @Allow(...writers)
  @Creates()
  @ApiCreatedResponse({ type: NewRun, headers: made })
  @ApiAcceptedResponse({ description: 'It has not ended within 60 s.', type: RunResource, headers: made })
  @ApiOkResponse({ description: 'Its timeline.', content: { 'text/event-stream': {} }, headers: located })
  create(
    @ValidBody() body: CreateRunBody,
    @ValidQuery() query: CreateRunQuery,
    @Ctx() ctx: RequestContext,
  ): Promise<string | undefined> {
    return this.answerCreated(new CreateRun(body, ctx.causation(), undefined, ctx.mustReach), query, ctx);
  }

  @Get('runs')
  @Allow(...readers)
  @ApiPage(RunResource)
  list(@ValidQuery() query: ListRunsQuery, @Ctx() ctx: RequestContext): Promise<Page<RunResource>> {
    return this.queries.execute(new ListRuns(query, ctx));
  }

  @Get('runs/:id')
  @Allow(...readers)
  @ApiOkResponse({ type: RunResource })
  async get(
    @PathId() id: string,
    @ValidQuery() query: AsOfQuery,
    @Ctx() ctx: RequestContext,
  ): Promise<string | undefined> {
    const had = asOf(query);
    if (had === undefined) await waitFor(this.clock, ctx, 'runs');
    const run = await (had === undefined
      ? this.runs.get(ctx.principal, id)
      : this.runs.past(ctx.principal, id, had));
    return resource(ctx, run, run.revision);
  }

  @Patch('runs/:id')
  @Allow(...writers)
  @ApiOkResponse({ type: RunResource })
  async update(
    @PathId() id: string,
    @ValidBody() body: UpdateRunBody,
    @LeaseId() leaseId: string | undefined,
    @Ctx() ctx: RequestContext,
  ): Promise<string | undefined> {
    const command = new UpdateRun(id, body, ctx.causation(), ifMatch(ctx), leaseId);
    const { run, position } = await this.commands.execute(command);
    changed(ctx, position);
    return resource(ctx, runResource(await this.runs.withCounts(run)), run.revision);
  }

  @Post('runs/:id/cancel')
  @Allow(...writers)
  @HttpCode(200)
  @ApiOkResponse({ type: CancelledRun })
  async cancel(
    @PathId() id: string,
    @ValidBody() body: CancelRunBody,
    @LeaseId() leaseId: string | undefined,
    @Ctx() ctx: RequestContext,
  ): Promise<CancelledRun> {
    const command = new CancelRun(id, body.reason ?? undefined, ctx.causation(), ifMatch(ctx), leaseId);
    const { run, changed: done, position } = await this.commands.execute(command);
    changed(ctx, position);
    const shown = runResource(await this.runs.withCounts(run));
    return { status: done ? 'cancelled' : 'no_op', run: shown };
  }

  @Get('runs/:id/tree')
  @Allow(...readers)
  @ApiOkResponse({ type: RunTree })
  async tree(@PathId() id: string, @Ctx() ctx: RequestContext): Promise<RunTree> {
    await waitFor(this.clock, ctx, 'runs');
    return this.runs.tree(ctx.principal, id);
  }

  @Get('sessions/:id/runs')
  @Allow(...readers)
  @ApiPage(RunResource)
  async listOfSession(
    @PathId() id: string,
    @ValidQuery() query: ListSessionRunsQuery,
    @Ctx() ctx: RequestContext,
  ): Promise<Page<RunResource>> {
    await this.sessions.get(ctx.principal, id);
    const all = Object.assign(new ListRunsQuery(), query, { session_id: id });
    return this.queries.execute(new ListRuns(all, ctx));
  }

  @Post('sessions/:id/runs')
  @Allow(...writers)
  @Creates()
  @ApiCreatedResponse({ type: NewRun, headers: made })
  @ApiAcceptedResponse({ description: 'It has not ended within 60 s.', type: RunResource, headers: made })
  @ApiOkResponse({ description: 'Its timeline.', content: { 'text/event-stream': {} }, headers: located })
  createInSession(
    @PathId() id: string,
    @ValidBody() body: CreateSessionRunBody,
    @ValidQuery() query: CreateRunQuery,
    @Ctx() ctx: RequestContext,
  ): Promise<string | undefined> {
    return this.answerCreated(new CreateRun(body, ctx.causation(), id, ctx.mustReach), query, ctx);
  }

  /** At once, or when the run has ended, or with all that happens until then, as the client wants. */
  private async answerCreated(
    command: CreateRun,
    { wait = false }: CreateRunQuery,
    ctx: RequestContext,
  ): Promise<string | undefined> {
    const streamed = wantsEventStream(ctx);
    if ((streamed || wait) && command.body.lease != null) {
      throw unfit('/lease', 'lease is answered at once, neither as a stream nor when the run has ended');
    }
    const { run: created, position } = await this.commands.execute(command);
    changed(ctx, position);
    void ctx.reply.header('location', `/v1/runs/${created.id}`);
    if (streamed) {
      await this.watch.fromCreation(created, ctx);
      return undefined;
    }
    const run = wait ? await this.ends.of(created, mostWait, patience(ctx)) : created;
    void ctx.reply.code(wait && !isOver(run) ? 202 : 201);
    const shown: NewRun = runResource(wait ? await this.runs.withCounts(run) : run);
    if (created.lease !== null) shown.lease_id = created.lease.lease_id;
    return resource(ctx, shown, run.revision);
  }
}

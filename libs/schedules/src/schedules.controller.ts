import { Controller, Delete, Get, HttpCode, Patch, Post } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { Allow, readers, writers } from '#access';
import { RuleViolation } from '#eventsourcing';
import {
  ApiPage,
  changed,
  Creates,
  Ctx,
  etagged,
  ifMatch,
  made,
  type Page,
  PathId,
  RequestContext,
  resource,
  ValidBody,
  ValidQuery,
} from '#http';
import { RunResource, runResource } from '#runs';
import { CreateSchedule } from './create-schedule.js';
import { DeleteSchedule } from './delete-schedule.js';
import { ListSchedules } from './list-schedules.js';
import { type ChangedSchedule, ScheduleBook } from './schedule-book.js';
import { CreateScheduleBody, ListSchedulesQuery, UpdateScheduleBody } from './schedule.bodies.js';
import { scheduleResource, ScheduleResource } from './schedule.resource.js';
import { TriggerSchedule } from './trigger-schedule.js';
import { UpdateSchedule } from './update-schedule.js';

@ApiTags('schedules')
@Controller('v1')
export class SchedulesController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
    private readonly book: ScheduleBook,
  ) {}

  /** Has the session run at a time, or whenever a cron pattern says so. At most 5 are active in a session. */
  @Post('sessions/:id/schedules')
  @Allow(...writers)
  @Creates()
  @ApiCreatedResponse({ type: ScheduleResource, headers: made })
  async create(
    @PathId() id: string,
    @ValidBody() body: CreateScheduleBody,
    @Ctx() ctx: RequestContext,
  ): Promise<string | undefined> {
    const made = await this.commands.execute(new CreateSchedule(id, body, ctx.causation()));
    void ctx.reply.header('location', `/v1/schedules/${made.schedule?.id ?? ''}`);
    return answer(made, ctx);
  }

  @Get('sessions/:id/schedules')
  @Allow(...readers)
  @ApiPage(ScheduleResource)
  list(
    @PathId() id: string,
    @ValidQuery() query: ListSchedulesQuery,
    @Ctx() ctx: RequestContext,
  ): Promise<Page<ScheduleResource>> {
    return this.queries.execute(new ListSchedules(id, query, ctx));
  }

  @Get('schedules/:id')
  @Allow(...readers)
  @ApiOkResponse({ type: ScheduleResource })
  async get(@PathId() id: string, @Ctx() ctx: RequestContext): Promise<string | undefined> {
    const schedule = await this.book.find(ctx.principal, id);
    return resource(ctx, scheduleResource(schedule), schedule.revision);
  }

  @Patch('schedules/:id')
  @Allow(...writers)
  @ApiOkResponse({ type: ScheduleResource })
  async update(
    @PathId() id: string,
    @ValidBody() body: UpdateScheduleBody,
    @Ctx() ctx: RequestContext,
  ): Promise<string | undefined> {
    return this.change(id, body, ctx);
  }

  /** What it was to do and has not done yet is not done any more. */
  @Delete('schedules/:id')
  @Allow(...writers)
  @HttpCode(204)
  @ApiNoContentResponse()
  async delete(@PathId() id: string, @Ctx() ctx: RequestContext): Promise<void> {
    changed(ctx, await this.commands.execute(new DeleteSchedule(id, ctx.causation(), ifMatch(ctx))));
  }

  /** Goes on from now; what came while it was disabled is not made up for. */
  @Post('schedules/:id/enable')
  @Allow(...writers)
  @HttpCode(200)
  @ApiOkResponse({ type: ScheduleResource, headers: etagged })
  async enable(@PathId() id: string, @Ctx() ctx: RequestContext): Promise<string | undefined> {
    return this.change(id, { enabled: true }, ctx);
  }

  /** A time that came before this still makes its run. */
  @Post('schedules/:id/disable')
  @Allow(...writers)
  @HttpCode(200)
  @ApiOkResponse({ type: ScheduleResource, headers: etagged })
  async disable(@PathId() id: string, @Ctx() ctx: RequestContext): Promise<string | undefined> {
    return this.change(id, { enabled: false }, ctx);
  }

  /** Makes a run now, whether enabled or not; the times of the schedule stay as they are. */
  @Post('schedules/:id/trigger')
  @Allow(...writers)
  @Creates()
  @ApiCreatedResponse({ type: RunResource, headers: made })
  async trigger(@PathId() id: string, @Ctx() ctx: RequestContext): Promise<string | undefined> {
    const { run, position } = await this.commands.execute(new TriggerSchedule(id, ctx.causation()));
    changed(ctx, position);
    void ctx.reply.header('location', `/v1/runs/${run.id}`);
    return resource(ctx, runResource(run), run.revision);
  }

  private async change(
    id: string,
    body: UpdateScheduleBody,
    ctx: RequestContext,
  ): Promise<string | undefined> {
    return answer(
      await this.commands.execute(new UpdateSchedule(id, body, ctx.causation(), ifMatch(ctx))),
      ctx,
    );
  }
}

function answer({ schedule, position }: ChangedSchedule, ctx: RequestContext): string | undefined {
  if (schedule === undefined) throw new RuleViolation('not_found', 'the schedule has been deleted meanwhile');
  changed(ctx, position);
  return resource(ctx, scheduleResource(schedule), schedule.revision);
}

import { Module } from '@nestjs/common';
import { Authority } from '#access';
import { CreateScheduleHandler } from './create-schedule.js';
import { DeleteScheduleHandler } from './delete-schedule.js';
import { Firings } from './firings.js';
import { ListSchedulesHandler } from './list-schedules.js';
import { ScheduleBook } from './schedule-book.js';
import { SchedulePolicy } from './schedule.policy.js';
import { ScheduleSweeper } from './schedule-sweeper.js';
import { SchedulesController } from './schedules.controller.js';
import { TriggerScheduleHandler } from './trigger-schedule.js';
import { UpdateScheduleHandler } from './update-schedule.js';

/** Runs at times; the application starts and stops the `ScheduleSweeper`. */
@Module({
  controllers: [SchedulesController],
  providers: [
    Authority,
    CreateScheduleHandler,
    DeleteScheduleHandler,
    Firings,
    ListSchedulesHandler,
    ScheduleBook,
    SchedulePolicy,
    ScheduleSweeper,
    TriggerScheduleHandler,
    UpdateScheduleHandler,
  ],
  exports: [SchedulePolicy, ScheduleSweeper],
})
export class SchedulesModule {}

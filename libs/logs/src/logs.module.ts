import { Module } from '@nestjs/common';
import { AppendLogHandler } from './append-log.js';
import { FollowLog } from './follow-log.js';
import { ListLogsHandler } from './list-logs.js';
import { LogsController } from './logs.controller.js';

@Module({
  controllers: [LogsController],
  providers: [AppendLogHandler, FollowLog, ListLogsHandler],
})
export class LogsModule {}

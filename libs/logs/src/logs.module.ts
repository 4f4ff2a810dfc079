import { Module } from '@nestjs/common';
import { AppendLogHandler } from './append-log.js';
import { FollowLog } from './follow-log.js';
import { ListLogsHandler } from './list-logs.js';
import { LogsController } from './logs.controller.js';
import { RetainedLogs } from './retained-logs.js';

@Module({
  controllers: [LogsController],
  providers: [AppendLogHandler, FollowLog, ListLogsHandler, RetainedLogs],
  exports: [RetainedLogs],
})
export class LogsModule {}

import { Module } from '@nestjs/common';
import { AppendLogHandler } from './append-log.js';
import { ListLogsHandler } from './list-logs.js';
import { LogsController } from './logs.controller.js';

@Module({
  controllers: [LogsController],
  providers: [AppendLogHandler, ListLogsHandler],
})
export class LogsModule {}

import { Module } from '@nestjs/common';
import { SessionsModule } from '#sessions';
import { ToolCalls } from './list-tool-calls.js';
import { TimelineController } from './timeline.controller.js';
import { WatchEvents } from './watch-events.js';

@Module({
  imports: [SessionsModule],
  controllers: [TimelineController],
  providers: [ToolCalls, WatchEvents],
})
export class TimelineModule {}

import { Module } from '@nestjs/common';
import { SessionsModule } from '#sessions';
import { ToolCalls } from './list-tool-calls.js';
import { LiveSessions } from './live-sessions.js';
import { TimelineController } from './timeline.controller.js';
import { WatchEvents } from './watch-events.js';

@Module({
  imports: [SessionsModule],
  controllers: [TimelineController],
  providers: [ToolCalls, LiveSessions, WatchEvents],
})
export class TimelineModule {}

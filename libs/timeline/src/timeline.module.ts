import { Global, Module } from '@nestjs/common';
import { RunWatch } from '#runs';
import { SessionPast, SessionsModule } from '#sessions';
import { ToolCalls } from './list-tool-calls.js';
import { PastOfSession } from './past-of-session.js';
import { LivenessController } from './liveness.controller.js';
import { LiveSessions } from './live-sessions.js';
import { TimelineController } from './timeline.controller.js';
import { WatcherSeats } from './watcher-seats.js';
import { WatchEvents } from './watch-events.js';

/** Global, because runs and sessions ask for what happened through ports that this module binds. */
@Global()
@Module({
  imports: [SessionsModule],
  controllers: [LivenessController, TimelineController],
  providers: [
    ToolCalls,
    LiveSessions,
    WatcherSeats,
    WatchEvents,
    { provide: RunWatch, useExisting: WatchEvents },
    { provide: SessionPast, useClass: PastOfSession },
  ],
  exports: [RunWatch, SessionPast],
})
export class TimelineModule {}

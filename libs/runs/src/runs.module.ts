import { Global, Module } from '@nestjs/common';
import { SessionRuns, SessionsModule } from '#sessions';
import { AppendEventsHandler } from './append-events.js';
import { CancelRunHandler } from './cancel-run.js';
import { CreateRunHandler } from './create-run.js';
import { ListRunsHandler } from './list-runs.js';
import { RunCanceller } from './run-canceller.js';
import { RunClaims } from './run-claims.js';
import { RunPolicy } from './run.policy.js';
import { Runs } from './runs.js';
import { RunEventsController } from './run-events.controller.js';
import { RunsController } from './runs.controller.js';
import { RunsOfSession } from './session-runs.js';
import { UpdateRunHandler } from './update-run.js';

/** Global, because the sessions ask the runs through a port that this module binds. */
@Global()
@Module({
  imports: [SessionsModule],
  controllers: [RunsController, RunEventsController],
  providers: [
    AppendEventsHandler,
    CancelRunHandler,
    CreateRunHandler,
    ListRunsHandler,
    UpdateRunHandler,
    RunCanceller,
    RunClaims,
    RunPolicy,
    Runs,
    { provide: SessionRuns, useClass: RunsOfSession },
  ],
  exports: [RunPolicy, Runs, SessionRuns],
})
export class RunsModule {}

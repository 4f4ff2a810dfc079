import { Global, Module } from '@nestjs/common';
import { SessionRuns, SessionsModule } from '#sessions';
import { AppendEventsHandler } from './append-events.js';
import { CancelRunHandler } from './cancel-run.js';
import { ClaimCandidates } from './claim-candidates.js';
import { ClaimRunsHandler } from './claim-runs.js';
import { ClaimsController } from './claims.controller.js';
import { CreateRunHandler } from './create-run.js';
import { HeartbeatRunHandler } from './heartbeat-run.js';
import { LeaseSweeper } from './lease-sweeper.js';
import { ListRunsHandler } from './list-runs.js';
import { PendingFeed } from './pending-feed.js';
import { PendingRuns } from './pending-runs.js';
import { RunCanceller } from './run-canceller.js';
import { RunClaims } from './run-claims.js';
import { RunEnds } from './run-ends.js';
import { RunPolicy } from './run.policy.js';
import { Runs } from './runs.js';
import { RunEventsController } from './run-events.controller.js';
import { RunsController } from './runs.controller.js';
import { RunWrites } from './run-writes.js';
import { RunsOfSession } from './session-runs.js';
import { UpdateRunHandler } from './update-run.js';

/** How much memory the pending runs may take; what finds no room is read from the table. */
const pendingBytes = 64 * 1024 * 1024;

/** Global, because the sessions ask the runs through a port that this module binds. */
@Global()
@Module({
  imports: [SessionsModule],
  controllers: [ClaimsController, RunEventsController, RunsController],
  providers: [
    AppendEventsHandler,
    CancelRunHandler,
    ClaimRunsHandler,
    CreateRunHandler,
    HeartbeatRunHandler,
    ListRunsHandler,
    UpdateRunHandler,
    ClaimCandidates,
    LeaseSweeper,
    PendingFeed,
    { provide: PendingRuns, useFactory: () => new PendingRuns(pendingBytes) },
    RunCanceller,
    RunClaims,
    RunEnds,
    RunPolicy,
    Runs,
    RunWrites,
    { provide: SessionRuns, useClass: RunsOfSession },
  ],
  exports: [LeaseSweeper, RunPolicy, Runs, SessionRuns],
})
export class RunsModule {}

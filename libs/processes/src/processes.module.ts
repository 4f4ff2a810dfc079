import { Module } from '@nestjs/common';
import { CloseSandboxHandler } from './close-sandbox.js';
import { FollowOutput } from './follow-output.js';
import { GiveInputHandler } from './give-input.js';
import { HostSweeper } from './host-sweeper.js';
import { ListProcessesHandler } from './list-processes.js';
import { LostProcesses } from './lost-processes.js';
import { OpenSandboxHandler } from './open-sandbox.js';
import { OutputController } from './output.controller.js';
import { ProcessInputs } from './process-inputs.js';
import { ProcessKeys } from './process-keys.js';
import { ProcessPolicy } from './process.policy.js';
import { ProcessWait } from './process-wait.js';
import { ProcessesController } from './processes.controller.js';
import { ProcessOutputs } from './read-output.js';
import { RetainedOutput } from './retained-output.js';
import { RunSandboxes } from './run-sandboxes.js';
import { RunTeller } from './run-teller.js';
import { SandboxController } from './sandbox.controller.js';
import { ShownProcesses } from './shown-processes.js';
import { StartProcessHandler } from './start-process.js';
import { StateWatch } from './state-watch.js';
import { TerminateProcessHandler } from './terminate-process.js';

@Module({
  controllers: [OutputController, ProcessesController, SandboxController],
  providers: [
    CloseSandboxHandler,
    GiveInputHandler,
    ListProcessesHandler,
    OpenSandboxHandler,
    StartProcessHandler,
    TerminateProcessHandler,
    FollowOutput,
    HostSweeper,
    LostProcesses,
    ProcessInputs,
    ProcessKeys,
    ProcessOutputs,
    ProcessPolicy,
    ProcessWait,
    RetainedOutput,
    RunSandboxes,
    RunTeller,
    ShownProcesses,
    StateWatch,
  ],
  exports: [HostSweeper, ProcessKeys, ProcessPolicy, RetainedOutput, RunTeller],
})
export class ProcessesModule {}

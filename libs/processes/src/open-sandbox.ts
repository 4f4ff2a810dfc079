import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type Causation, RuleViolation, Streams } from '#eventsourcing';
import { expectLeaseOf, findRun, isOver, runDecider, runStream, type RunState } from '#runs';
import { RunSandboxes } from './run-sandboxes.js';
import type { OpenSandboxBody } from './sandbox.bodies.js';
import type { SandboxState } from './sandbox.decider.js';
import type { SandboxBirth } from './sandbox.events.js';

export interface OpenedSandbox {
  readonly sandbox: SandboxState;
  readonly position: bigint | undefined;
}

export class OpenSandbox extends Command<OpenedSandbox> {
  constructor(
    readonly runId: string,
    readonly body: OpenSandboxBody,
    readonly causation: Causation,
    readonly gone: AbortSignal,
    readonly leaseId?: string,
  ) {
    super();
  }
}

/**
 * @throws RuleViolation not_found, lease_lost, run_terminal, sandbox_exists, no_host, limit_not_enforceable,
 *   sandbox_unavailable
 */
@CommandHandler(OpenSandbox)
export class OpenSandboxHandler implements ICommandHandler<OpenSandbox> {
  constructor(
    private readonly streams: Streams,
    private readonly sandboxes: RunSandboxes,
  ) {}

  async execute({ runId, body, causation, gone, leaseId }: OpenSandbox): Promise<OpenedSandbox> {
    const run = await liveRun(this.streams, causation, runId, leaseId);
    const birth = sandboxBirth(run, body, causation.mint());
    const { sandbox, position } = await this.sandboxes.ensured(birth, causation);
    if (sandbox.sandbox_id !== birth.sandbox_id) {
      throw new RuleViolation('sandbox_exists', `the run has sandbox ${sandbox.sandbox_id}`, {
        sandbox_id: sandbox.sandbox_id,
      });
    }
    return { sandbox: await this.sandboxes.opened(sandbox, gone), position };
  }
}

/** The run, if the caller may have something done in it now. @throws RuleViolation not_found, lease_lost, run_terminal */
export async function liveRun(
  streams: Streams,
  { principal }: Causation,
  id: string,
  leaseId?: string,
): Promise<RunState> {
  await findRun(streams, principal, id);
  if (leaseId !== undefined) await expectLeaseOf(streams, id, leaseId);
  const { state } = await streams.load(runDecider, runStream(id));
  const run = state as RunState;
  if (isOver(run))
    throw new RuleViolation('run_terminal', `the run is ${run.status}, nothing more happens in it`);
  return run;
}

const defaultProcesses = 64;

/** What a run asks of its sandbox, with what stands for what it does not say. */
export function sandboxBirth(run: RunState, body: OpenSandboxBody, id: string): SandboxBirth {
  const { cpu_cores, memory_mb, pids, max_processes } = body.limits ?? {};
  return {
    sandbox_id: id,
    project_id: run.project_id,
    user_id: run.user_id,
    run_id: run.id,
    task_id: run.task_id,
    ...(run.session_id !== null && { session_id: run.session_id }),
    limits: {
      ...(cpu_cores != null && { cpu_cores }),
      ...(memory_mb != null && { memory_mb }),
      ...(pids != null && { pids }),
      max_processes: max_processes ?? defaultProcesses,
    },
    allow_detached: body.allow_detached ?? false,
    best_effort: body.best_effort ?? false,
  };
}

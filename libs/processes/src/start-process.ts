import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type Causation, RuleViolation, seal, Streams } from '#eventsourcing';
import { ProblemError } from '#http';
import { RecentWrites } from '#read-models';
import type { RunState } from '#runs';
import { liveRun, sandboxBirth } from './open-sandbox.js';
import type { StartProcessBody } from './process.bodies.js';
import { processDecider, type ProcessState, requestProcess } from './process.decider.js';
import { type ProcessBirth, processStream } from './process.events.js';
import { ProcessInputs } from './process-inputs.js';
import { ProcessKeys } from './process-keys.js';
import { RunSandboxes } from './run-sandboxes.js';
import { isGone, type SandboxState } from './sandbox.decider.js';
import { StateWatch } from './state-watch.js';

const defaultTimeout = 3_600;
const mostTimeout = 10_800;
const defaultOutputLimit = 262_144;
/** An event stays below the 1 MB that stores take by default. */
const mostRequestBytes = 512 * 1024;
const mostEnvBytes = 256 * 1024;
/** How long the answer waits for the process to be started, in milliseconds. */
const patience = 10_000;

export interface StartedProcess {
  readonly process: ProcessState;
  readonly position: bigint | undefined;
}

export class StartProcess extends Command<StartedProcess> {
  constructor(
    readonly runId: string,
    readonly body: StartProcessBody,
    readonly causation: Causation,
    readonly gone: AbortSignal,
    readonly leaseId?: string,
  ) {
    super();
  }
}

/**
 * @throws RuleViolation not_found, lease_lost, run_terminal, detached_not_allowed, too_many_processes, and
 *   those of opening a sandbox; ProblemError payload_too_large
 */
@CommandHandler(StartProcess)
export class StartProcessHandler implements ICommandHandler<StartProcess> {
  constructor(
    private readonly streams: Streams,
    private readonly sandboxes: RunSandboxes,
    private readonly keys: ProcessKeys,
    private readonly inputs: ProcessInputs,
    private readonly watch: StateWatch,
    private readonly writes: RecentWrites,
  ) {}

  async execute({ runId, body, causation, gone, leaseId }: StartProcess): Promise<StartedProcess> {
    refuseLarge(body);
    const run = await liveRun(this.streams, causation, runId, leaseId);
    const [id, sandboxId] = [causation.mint(), causation.mint()];
    const sandbox = await this.sandbox(run, body.detached ?? false, sandboxId, causation, gone);
    const sealed = await this.giveSecrets(id, body, causation);
    const stream = processStream(id);
    const birth = { ...processBirth(id, sandbox, body), ...sealed };
    const { position } = await this.streams.execute(
      processDecider,
      stream,
      causation,
      (process) => requestProcess(process, birth),
      { minted: true },
    );
    this.writes.wrote(id, position);
    const started = (now: ProcessState | undefined): boolean => now?.status !== 'starting';
    const process = (await this.watch.until(processDecider, stream, started, patience, gone)) as ProcessState;
    if (process.reason === 'max_processes') {
      const detail = `the sandbox runs ${sandbox.limits.max_processes} processes, and no more`;
      throw new RuleViolation('too_many_processes', detail, { process_id: id });
    }
    return { process, position };
  }

  /** The run's sandbox, opened when there is none. */
  private async sandbox(
    run: RunState,
    detached: boolean,
    id: string,
    causation: Causation,
    gone: AbortSignal,
  ): Promise<SandboxState> {
    const newest = await this.sandboxes.newest(run.id);
    const there = newest !== undefined && !isGone(newest) ? newest : undefined;
    if (detached && there?.allow_detached !== true)
      throw new RuleViolation('detached_not_allowed', 'the sandbox was not opened with allow_detached');
    if (there?.status === 'open') return there;
    const { sandbox } = await this.sandboxes.ensured(there ?? sandboxBirth(run, {}, id), causation);
    return this.sandboxes.opened(sandbox, gone);
  }

  private async giveSecrets(
    id: string,
    { env, stdin }: StartProcessBody,
    causation: Causation,
  ): Promise<{ env_sealed?: string }> {
    const { projectId } = causation.principal;
    const given = stdin == null ? undefined : this.inputs.give(id, Buffer.from(stdin), true, causation);
    const key =
      env == null || Object.keys(env).length === 0
        ? undefined
        : await this.keys.ensured('env', id, projectId);
    await given;
    return key === undefined ? {} : { env_sealed: seal(key, Buffer.from(JSON.stringify(env))) };
  }
}

function processBirth(id: string, sandbox: SandboxState, body: StartProcessBody): ProcessBirth {
  const { session_id } = sandbox;
  return {
    process_id: id,
    project_id: sandbox.project_id,
    user_id: sandbox.user_id,
    sandbox_id: sandbox.sandbox_id,
    run_id: sandbox.run_id,
    task_id: sandbox.task_id,
    ...(session_id !== undefined && { session_id }),
    command: body.command,
    args: body.args ?? [],
    env_keys: Object.keys(body.env ?? {}),
    ...(body.cwd != null && { cwd: body.cwd }),
    timeout_seconds: Math.min(body.timeout_seconds ?? defaultTimeout, mostTimeout),
    detached: body.detached ?? false,
    attach_output: body.attach_output ?? true,
    output_limit_bytes: body.output_limit_bytes ?? defaultOutputLimit,
  };
}

/** @throws ProblemError payload_too_large */
function refuseLarge({ command, args, env }: StartProcessBody): void {
  const refuse = (pointer: string, value: unknown, most: number): void => {
    if (Buffer.byteLength(JSON.stringify(value)) <= most) return;
    const detail = `must be at most ${most} bytes as JSON`;
    throw new ProblemError('payload_too_large', `${pointer} ${detail}.`, { errors: [{ pointer, detail }] });
  };
  refuse('/args', [command, args ?? []], mostRequestBytes);
  refuse('/env', env ?? {}, mostEnvBytes);
}

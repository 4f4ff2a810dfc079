import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type Causation, RuleViolation, Streams } from '#eventsourcing';
import { requireRevision } from '#http';
import { expectLeaseOf, findRun } from '#runs';
import type { OpenedSandbox } from './open-sandbox.js';
import { RunSandboxes } from './run-sandboxes.js';
import { isGone, requestClose, sandboxDecider, type SandboxState } from './sandbox.decider.js';
import { sandboxStream } from './sandbox.events.js';
import { StateWatch } from './state-watch.js';

/** How long a client may wait for the end beyond the grace, in milliseconds. */
const patience = 30_000;
const defaultGraceSeconds = 5;

export class CloseSandbox extends Command<OpenedSandbox> {
  constructor(
    readonly runId: string,
    readonly graceSeconds: number | undefined,
    /** Aborted when nobody waits for the end; undefined when nobody does from the start. */
    readonly waiting: AbortSignal | undefined,
    readonly causation: Causation,
    readonly expected: number | undefined,
    readonly leaseId?: string,
  ) {
    super();
  }
}

/** @throws RuleViolation not_found, also when the run never had a sandbox; lease_lost, revision_mismatch */
@CommandHandler(CloseSandbox)
export class CloseSandboxHandler implements ICommandHandler<CloseSandbox> {
  constructor(
    private readonly streams: Streams,
    private readonly sandboxes: RunSandboxes,
    private readonly watch: StateWatch,
  ) {}

  async execute(command: CloseSandbox): Promise<OpenedSandbox> {
    const { runId, causation, expected, waiting, leaseId } = command;
    const grace_seconds = command.graceSeconds ?? defaultGraceSeconds;
    await findRun(this.streams, causation.principal, runId);
    if (leaseId !== undefined) await expectLeaseOf(this.streams, runId, leaseId);
    const newest = shownSandbox(await this.sandboxes.newest(runId), runId);
    const stream = sandboxStream(newest.sandbox_id);
    const { state, position } = await this.streams.execute(sandboxDecider, stream, causation, (sandbox) => {
      if (sandbox !== undefined) requireRevision(expected, sandbox.revision);
      return requestClose(sandbox, { reason: 'requested', grace_seconds });
    });
    const closed = (now: SandboxState | undefined): boolean => now !== undefined && isGone(now);
    if (waiting === undefined || closed(state)) return { sandbox: state as SandboxState, position };
    const timeout = grace_seconds * 1_000 + patience;
    const last = await this.watch.until(sandboxDecider, stream, closed, timeout, waiting);
    return { sandbox: last as SandboxState, position };
  }
}

/** A sandbox that was never opened is none. @throws RuleViolation not_found */
export function shownSandbox(sandbox: SandboxState | undefined, runId: string): SandboxState {
  if (sandbox === undefined || sandbox.workdir === null)
    throw new RuleViolation('not_found', `run ${runId} has no sandbox`);
  return sandbox;
}

import type { RecordedEvent } from '#eventsourcing';
import { HostedProcess } from './hosted-process.js';
import type { HostTools } from './host-tools.js';
import { insist, type OnBehalf } from './insist.js';
import { endProcess, noOutput, processDecider } from './process.decider.js';
import { type ProcessBirth, type ProcessRequested, processStream } from './process.events.js';
import { closeSandbox, refuseSandbox, sandboxDecider, sandboxOpened } from './sandbox.decider.js';
import {
  type CloseReason,
  type SandboxBirth,
  type SandboxFact,
  type SandboxRefused,
  sandboxStream,
} from './sandbox.events.js';
import type { Sandbox, SandboxDriver } from './sandbox-driver.js';
import { LimitNotEnforceable } from './sandbox-driver.js';

/** One sandbox on its host, from its claim to the record of its end. */
export class HostedSandbox {
  /** Resolves when its end is on record. */
  readonly over: Promise<void>;
  readonly processes = new Map<string, HostedProcess>();
  private readonly opened: Promise<Sandbox | undefined>;
  private closing: { reason: CloseReason; graceSeconds: number } | undefined;
  private recorded: () => void = () => undefined;

  constructor(
    private readonly tools: HostTools,
    private readonly hostId: string,
    private readonly driver: SandboxDriver,
    readonly birth: SandboxBirth,
    private readonly onBehalf: OnBehalf,
    private readonly failed: (error: unknown) => void,
  ) {
    this.over = new Promise((resolve) => {
      this.recorded = resolve;
    });
    this.opened = this.open();
    // Nobody else hears of what goes wrong here.
    this.opened.catch(failed);
  }

  /** Starts a process that was requested, as soon as the sandbox is open. */
  async start({ data, metadata }: RecordedEvent<ProcessRequested>): Promise<void> {
    const onBehalf = { project: metadata.project, correlationId: metadata.$correlationId };
    const sandbox = await this.opened;
    if (sandbox === undefined || this.closing !== undefined)
      return this.refuse(data, onBehalf, 'sandbox_closed');
    const living = [...this.processes.values()].filter(({ alive }) => alive);
    if (living.length >= this.birth.limits.max_processes) return this.refuse(data, onBehalf, 'max_processes');
    const process = new HostedProcess(this.tools, data, onBehalf, sandbox, this.failed);
    this.processes.set(data.process_id, process);
    await process.over;
    this.processes.delete(data.process_id);
  }

  /** Ends all processes and then the sandbox; asked again with less grace, sooner. */
  close(reason: CloseReason, graceSeconds: number): void {
    const first = this.closing === undefined;
    if (this.closing !== undefined && this.closing.graceSeconds <= graceSeconds) return;
    this.closing = { reason: this.closing?.reason ?? reason, graceSeconds };
    const why = this.closing.reason;
    for (const process of this.processes.values()) {
      process.blame({ status: 'killed', reason: why === 'requested' ? 'sandbox_closed' : why });
    }
    this.shut(graceSeconds, first).catch(this.failed);
  }

  private async shut(graceSeconds: number, first: boolean): Promise<void> {
    const sandbox = await this.opened;
    if (sandbox === undefined) return;
    await sandbox.close(graceSeconds * 1_000);
    if (!first) return;
    await Promise.all([...this.processes.values()].map(({ over }) => over));
    await this.record((state) => closeSandbox(state, this.closing?.reason ?? 'requested'));
    this.recorded();
  }

  private async open(): Promise<Sandbox | undefined> {
    const { sandbox_id: id, best_effort: bestEffort, limits } = this.birth;
    const { max_processes: _ours, ...enforced } = limits;
    let sandbox: Sandbox;
    try {
      sandbox = await this.driver.open({ id, limits: enforced, bestEffort });
    } catch (error) {
      const refused = refusal(error);
      await this.record((state) => refuseSandbox(state, refused));
      this.recorded();
      return undefined;
    }
    const { workdir, isolation, limitsEnforced } = sandbox;
    const kept = await this.record((state) =>
      sandboxOpened(state, this.hostId, { workdir, isolation, limits_enforced: limitsEnforced }),
    );
    void sandbox.over.then(() => {
      this.close('sandbox_died', 0);
    });
    // Declared over by others meanwhile: it must not live.
    if (!kept) this.close('host_lost', 0);
    return sandbox;
  }

  /** @returns whether the decision found something to say */
  private async record(
    decide: (state: Parameters<typeof closeSandbox>[0]) => readonly SandboxFact[],
  ): Promise<boolean> {
    const stream = sandboxStream(this.birth.sandbox_id);
    const { events } = await insist(this.onBehalf, (causation) =>
      this.tools.streams.execute(sandboxDecider, stream, causation, decide),
    );
    return events.length > 0;
  }

  private async refuse({ process_id }: ProcessBirth, onBehalf: OnBehalf, reason: string): Promise<void> {
    await insist(onBehalf, (causation) =>
      this.tools.streams.execute(processDecider, processStream(process_id), causation, (process) =>
        endProcess(process, { status: 'killed', reason, output: noOutput }),
      ),
    );
  }
}

function refusal(error: unknown): SandboxRefused['data'] {
  const detail = error instanceof Error ? error.message : String(error);
  return { code: error instanceof LimitNotEnforceable ? 'limit_not_enforceable' : 'failed', detail };
}

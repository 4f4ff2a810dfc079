import type { Fact, RecordedEvent } from '#eventsourcing';
import { uuidv7 } from '#eventsourcing';
import { type Database, Presence } from '#read-models';
import { isOver, runDecider, runEnds, type RunFact, runStream } from '#runs';
import { HostedSandbox } from './hosted-sandbox.js';
import type { HostTools } from './host-tools.js';
import { insist } from './insist.js';
import type { ProcessFact } from './process.events.js';
import { claimSandbox, sandboxDecider } from './sandbox.decider.js';
import { type CloseReason, type SandboxBirth, type SandboxFact, sandboxStream } from './sandbox.events.js';
import type { SandboxDriver } from './sandbox-driver.js';
import { abandonedSandboxes } from './sandbox-rows.js';

/** How long a host may be cut off from the database and still count as alive; who declares it dead waits longer. */
export const hostPatienceMs = 1_000;
const graceSeconds = 5;
/** A host that is to stop has ten seconds in all. */
const stopGraceSeconds = 3;

const endings: Readonly<Record<string, CloseReason>> = {
  RunCompleted: 'run_completed',
  RunFailed: 'run_failed',
  RunCancelled: 'run_cancelled',
};

/** Opens the sandboxes that are asked for, one of all hosts each, and runs their processes. */
export class ProcessHost {
  private id = '';
  private presence: Presence | undefined;
  private unfollow: (() => void) | undefined;
  private readonly sandboxes = new Map<string, HostedSandbox>();

  /** @param failed is told what nobody else will be told */
  constructor(
    private readonly driver: SandboxDriver,
    private readonly tools: HostTools,
    private readonly database: Database,
    private readonly failed: (error: unknown) => void,
  ) {}

  /** Takes part from now on. */
  async start(): Promise<void> {
    await this.appear();
    this.unfollow = await this.tools.live.followAll((events) => {
      for (const event of events) this.take(event);
    });
    // What an earlier host of this machine left is in nobody's way.
    abandonedSandboxes(this.database)
      .then((ids) => this.driver.sweep(ids))
      .catch(this.failed);
  }

  /** Closes all sandboxes and takes no more. */
  async stop(): Promise<void> {
    this.id = '';
    await this.closeAll('host_stopped', stopGraceSeconds);
    this.unfollow?.();
    await this.presence?.stop();
  }

  private async appear(): Promise<void> {
    const id = uuidv7();
    this.presence = new Presence(this.database.url, id, hostPatienceMs, () => {
      this.lost();
    });
    await this.presence.start();
    this.id = id;
  }

  /** Others may declare this host dead soon: nothing of it may be alive by then. It goes on as another. */
  private lost(): void {
    this.id = '';
    void this.closeAll('host_lost', 0);
    const again = (): void => {
      this.appear().catch(() => setTimeout(again, hostPatienceMs).unref());
    };
    again();
  }

  private async closeAll(reason: CloseReason, grace: number): Promise<void> {
    const all = [...this.sandboxes.values()];
    for (const sandbox of all) sandbox.close(reason, grace);
    await Promise.all(all.map(({ over }) => over));
  }

  private take(event: RecordedEvent): void {
    const fact = event as Fact as SandboxFact | ProcessFact | RunFact;
    const id = event.stream.slice(event.stream.indexOf('-') + 1);
    switch (fact.type) {
      case 'SandboxRequested':
        this.claim(fact.data, event).catch(this.failed);
        return;
      case 'SandboxCloseRequested':
        this.sandboxes.get(id)?.close(fact.data.reason, fact.data.grace_seconds);
        return;
      case 'SandboxClosed':
        this.sandboxes.get(id)?.close(fact.data.reason, 0);
        return;
      case 'ProcessRequested':
        this.sandboxes
          .get(fact.data.sandbox_id)
          ?.start(event as RecordedEvent<typeof fact>)
          .catch(this.failed);
        return;
      case 'ProcessTerminationRequested': {
        const { signal, grace_seconds } = fact.data;
        this.process(id)?.end({ status: 'killed', reason: 'terminated' }, signal, grace_seconds);
        return;
      }
      case 'RunRequeued':
        this.endAttached(id);
        return;
      default:
        if (event.type === 'ProcessInputGiven') this.process(id)?.feed();
        else if (runEnds(fact)) this.closeOfRun(id, endings[fact.type] ?? 'run_completed');
    }
  }

  private process(id: string) {
    for (const { processes } of this.sandboxes.values()) {
      const process = processes.get(id);
      if (process !== undefined) return process;
    }
    return undefined;
  }

  private ofRun(runId: string): HostedSandbox[] {
    return [...this.sandboxes.values()].filter(({ birth }) => birth.run_id === runId);
  }

  private closeOfRun(runId: string, reason: CloseReason): void {
    for (const sandbox of this.ofRun(runId)) sandbox.close(reason, graceSeconds);
  }

  /** The worker that started them has lost the run: only what is detached waits for the next one. */
  private endAttached(runId: string): void {
    for (const { processes } of this.ofRun(runId)) {
      for (const process of processes.values()) {
        if (process.detached) continue;
        process.end({ status: 'killed', reason: 'attempt_ended' }, 'SIGTERM', graceSeconds);
      }
    }
  }

  private async claim(birth: SandboxBirth, { metadata }: RecordedEvent): Promise<void> {
    const host_id = this.id;
    if (host_id === '') return;
    const { sandbox_id, run_id } = birth;
    const onBehalf = { project: metadata.project, correlationId: metadata.$correlationId };
    const { events } = await insist(onBehalf, (causation) =>
      this.tools.streams.execute(sandboxDecider, sandboxStream(sandbox_id), causation, (state) =>
        claimSandbox(state, { host_id, driver: this.driver.name }),
      ),
    );
    if (events.length === 0) return;
    const sandbox = new HostedSandbox(this.tools, host_id, this.driver, birth, onBehalf, this.failed);
    this.sandboxes.set(sandbox_id, sandbox);
    void sandbox.over.then(() => this.sandboxes.delete(sandbox_id));
    if (this.hasMoved(host_id)) sandbox.close('host_stopped', 0);
    await this.catchUp(sandbox, run_id);
  }

  /** What happened before this process listened to it as to its own. */
  private async catchUp(sandbox: HostedSandbox, runId: string): Promise<void> {
    const { streams } = this.tools;
    const [run, own] = await Promise.all([
      streams.load(runDecider, runStream(runId)),
      streams.load(sandboxDecider, sandboxStream(sandbox.birth.sandbox_id)),
    ]);
    if (run.state === undefined || isOver(run.state))
      sandbox.close(endings[`Run${capital(run.state?.status)}`] ?? 'run_completed', 0);
    const closing = own.state?.closing ?? null;
    if (closing !== null) sandbox.close(closing.reason, closing.grace_seconds);
  }

  private hasMoved(hostId: string): boolean {
    return this.id !== hostId;
  }
}

const capital = (word = ''): string => word.slice(0, 1).toUpperCase() + word.slice(1);

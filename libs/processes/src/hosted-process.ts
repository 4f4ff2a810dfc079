import { unseal } from '#eventsourcing';
import { AttachedLines } from './attached-lines.js';
import type { HostTools } from './host-tools.js';
import { insist, type OnBehalf } from './insist.js';
import { OutputAppender } from './output-appender.js';
import { OutputPump } from './output-pump.js';
import {
  endProcess,
  noOutput,
  processDecider,
  processStarted,
  type ProcessState,
} from './process.decider.js';
import {
  type Ending,
  type OutputStream,
  type ProcessBirth,
  processStream,
  type Signal,
} from './process.events.js';
import { ProcessFeeder } from './process-feeder.js';
import type { Sandbox, SandboxProcess } from './sandbox-driver.js';

/** Why the host ends a process. */
export interface Cause {
  readonly status: 'killed' | 'timed_out';
  readonly reason: string;
}

const timeoutGraceSeconds = 5;

/** One process on its host, from its start to the record of its end. */
export class HostedProcess {
  /** Resolves when its end is on record. */
  readonly over: Promise<void>;
  private child: SandboxProcess | undefined;
  private gone = false;
  private feeder: ProcessFeeder | undefined;
  /** What is to end it, as soon as there is something to end. */
  private ending: { cause: Cause; signal: Signal; graceSeconds: number } | undefined;
  private readonly timers = new Set<NodeJS.Timeout>();

  /** @param failed is told what nobody else will be told */
  constructor(
    private readonly tools: HostTools,
    private readonly birth: ProcessBirth,
    private readonly onBehalf: OnBehalf,
    private readonly sandbox: Sandbox,
    private readonly failed: (error: unknown) => void,
  ) {
    this.over = this.run().catch(failed);
  }

  /** False once there is nothing left to do but to record its end. */
  get alive(): boolean {
    return !this.gone;
  }

  get detached(): boolean {
    return this.birth.detached;
  }

  /** There is more for its standard input. */
  feed(): void {
    this.feeder?.wake();
  }

  /** Sends the signal, and SIGKILL when it is still there after the grace. The first cause is the one on record. */
  end(cause: Cause, signal: Signal, graceSeconds: number): void {
    this.ending = { cause: this.ending?.cause ?? cause, signal, graceSeconds };
    if (this.child !== undefined) this.kill(this.child);
  }

  /** Says why its sandbox ends it, which sends the signals itself. */
  blame(cause: Cause): void {
    this.ending ??= { cause, signal: 'SIGTERM', graceSeconds: 0 };
  }

  private async run(): Promise<void> {
    const child = await this.spawn().catch((error: unknown) => error as Error);
    if (child instanceof Error) {
      this.gone = true;
      const reason = `could not be started: ${child.message}`;
      await this.record({ ...this.ended({ exit_code: 126, reason }), output: noOutput });
      return;
    }
    const pumps = this.pumps(child);
    await this.started(child);
    const end = await child.ended;
    for (const timer of this.timers) clearTimeout(timer);
    const [stdout, stderr] = await Promise.all([pumps.stdout.figures(), pumps.stderr.figures()]);
    this.gone = true;
    await this.record({ ...this.ended(end), output: { stdout, stderr } });
  }

  private async spawn(): Promise<SandboxProcess> {
    const { command, args, cwd } = this.birth;
    const env = await this.environment();
    return this.sandbox.start({ command, args, env, ...(cwd !== undefined && { cwd }) });
  }

  private async environment(): Promise<Record<string, string>> {
    const { env_sealed, process_id } = this.birth;
    if (env_sealed === undefined) return {};
    const key = await this.tools.keys.of('env', process_id);
    if (key === undefined) throw new Error('the values of its environment are gone');
    return JSON.parse(unseal(key, env_sealed).toString()) as Record<string, string>;
  }

  private pumps({ stdout, stderr }: SandboxProcess): Record<OutputStream, OutputPump> {
    const { birth, onBehalf, tools } = this;
    const appender = new OutputAppender(tools.store, birth.process_id, onBehalf);
    const lines = (stream: OutputStream): AttachedLines | undefined =>
      birth.attach_output ? new AttachedLines(tools.streams, birth, stream, onBehalf) : undefined;
    const limit = birth.output_limit_bytes;
    return {
      stdout: new OutputPump(stdout, 'stdout', limit, appender, lines('stdout')),
      stderr: new OutputPump(stderr, 'stderr', limit, appender, lines('stderr')),
    };
  }

  private async started(child: SandboxProcess): Promise<void> {
    const { tools, birth, onBehalf } = this;
    this.child = child;
    const { timeout_seconds, process_id, env_sealed } = birth;
    this.after(timeout_seconds, () => {
      this.end({ status: 'timed_out', reason: 'timeout' }, 'SIGTERM', timeoutGraceSeconds);
    });
    if (this.ending !== undefined) this.kill(child);
    const { state } = await insist(onBehalf, (causation) =>
      tools.streams.execute(processDecider, processStream(process_id), causation, (process) =>
        processStarted(process, child.pid),
      ),
    );
    // Declared over by others meanwhile: it must not live.
    if (state?.status !== 'running') child.kill('SIGKILL');
    else await insist(onBehalf, (causation) => tools.teller.started(state, causation));
    if (env_sealed !== undefined) tools.keys.destroy('env', process_id).catch(this.failed);
    this.feeder = new ProcessFeeder(tools.streams, tools.keys, process_id, child.stdin, this.failed);
    this.feeder.wake();
  }

  private kill(child: SandboxProcess): void {
    if (this.ending === undefined) return;
    const { signal, graceSeconds } = this.ending;
    child.kill(signal);
    this.after(graceSeconds, () => {
      child.kill('SIGKILL');
    });
  }

  private after(seconds: number, act: () => void): void {
    this.timers.add(setTimeout(act, seconds * 1_000));
  }

  private ended(end: { exit_code?: number; signal?: string; reason?: string }): Omit<Ending, 'output'> {
    const cause = this.ending?.cause;
    const reason = cause?.reason ?? end.reason;
    return {
      ...end,
      status: cause?.status ?? (end.signal === undefined ? 'exited' : 'killed'),
      ...(reason !== undefined && { reason }),
    };
  }

  private async record(ending: Ending): Promise<void> {
    const { tools, onBehalf } = this;
    const id = this.birth.process_id;
    const { state } = await insist(onBehalf, (causation) =>
      tools.streams.execute(processDecider, processStream(id), causation, (process) =>
        endProcess(process, ending),
      ),
    );
    const process = state as ProcessState;
    await insist(onBehalf, (causation) => tools.teller.exited(process, causation));
    await tools.keys.forget(id);
  }
}

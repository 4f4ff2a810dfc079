import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { StoreUnavailable } from '#eventsourcing';
import { runInBackground } from '#postgres';
import type { Filled, FillElsewhere } from './filling.js';

/** What a process that builds is told: to build a projection, by a number, or to stop that. */
export type BuildOrder = { readonly build: number; readonly projection: string } | { readonly stop: number };

/** What it tells when a build has ended; neither `filled` nor `failed`: it was stopped, and nobody waits for it. */
export interface BuildEnd {
  readonly build: number;
  readonly filled?: Filled;
  readonly failed?: { readonly message: string; readonly unavailable: boolean };
}

interface Awaited {
  resolve(filled: Filled | undefined): void;
  reject(reason: unknown): void;
}

/** An idle process is kept for so many milliseconds. */
const patience = 10_000;

/**
 * Has read models built in a process of lower priority, so that no request waits while events are folded. There is
 * one for as long as there is something to build, and a little longer.
 */
export class BuildProcess implements FillElsewhere {
  private child: ChildProcess | undefined;
  private readonly builds = new Map<number, Awaited>();
  private asked = 0;
  private idle: NodeJS.Timeout | undefined;

  /**
   * @param entry the module of the process, which calls `buildForParent`. @param options its first message
   * @param projections which it knows, by name
   */
  constructor(
    private readonly entry: URL,
    private readonly options: object,
    private readonly projections: ReadonlySet<string>,
  ) {}

  can(projection: string): boolean {
    return this.projections.has(projection);
  }

  async fill(projection: string, signal: AbortSignal): Promise<Filled | undefined> {
    if (signal.aborted) return undefined;
    const build = this.asked++;
    const child = this.started();
    const tell = (order: BuildOrder): void => {
      if (child.connected) child.send(order);
    };
    let stop = (): void => undefined;
    try {
      return await new Promise((resolve, reject) => {
        // Whoever takes the lock of the build next waits until it has stopped.
        stop = () => {
          tell({ stop: build });
          resolve(undefined);
        };
        this.builds.set(build, { resolve, reject });
        signal.addEventListener('abort', stop, { once: true });
        tell({ build, projection });
      });
    } finally {
      signal.removeEventListener('abort', stop);
      this.builds.delete(build);
      if (this.builds.size === 0) this.rest();
    }
  }

  /** Ends the process, whatever it does. */
  async stop(): Promise<void> {
    clearTimeout(this.idle);
    const { child } = this;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  private started(): ChildProcess {
    clearTimeout(this.idle);
    if (this.child !== undefined) return this.child;
    // Positions are bigints. It leads a session of its own, which can then be given a lower priority.
    const child = fork(this.entry, { serialization: 'advanced', detached: true });
    this.child = child;
    // At once: threads have the priority of the one that begins them.
    if (child.pid !== undefined) void runInBackground(child.pid);
    if (child.connected) child.send(this.options);
    child.on('message', (end: BuildEnd) => {
      this.ended(end);
    });
    child.on('error', (error) => {
      this.over(child, String(error));
    });
    child.once('close', (code, signal) => {
      this.over(child, `it ended with ${String(signal ?? code)}`);
    });
    return child;
  }

  /** It could not be begun, or spoken to, or has ended. */
  private over(child: ChildProcess, why: string): void {
    if (this.child !== child) return;
    this.child = undefined;
    child.kill('SIGKILL');
    const reason = new StoreUnavailable(`the process that builds read models is gone: ${why}`);
    for (const build of this.builds.values()) build.reject(reason);
  }

  private ended({ build, filled, failed }: BuildEnd): void {
    const awaited = this.builds.get(build);
    if (failed === undefined) awaited?.resolve(filled);
    else awaited?.reject(new (failed.unavailable ? StoreUnavailable : Error)(failed.message));
  }

  private rest(): void {
    this.idle = setTimeout(() => {
      const { child } = this;
      this.child = undefined;
      child?.kill('SIGKILL');
    }, patience).unref();
  }
}

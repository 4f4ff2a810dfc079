import type { Readable, Writable } from 'node:stream';

/** The kinds of limit that a sandbox may hold its processes to, all of them together. */
export type LimitName = 'cpu_cores' | 'memory_mb' | 'pids';

/** Cores (may be a fraction), MiB, and processes with their threads. */
export type SandboxLimits = Partial<Record<LimitName, number>>;

export interface SandboxSpec {
  /** The sandbox's id; names its work folder, cgroup or container. Letters, digits, `-` and `_` only. */
  readonly id: string;
  readonly limits: SandboxLimits;
  /** True: opened without those limits that cannot be enforced here. */
  readonly bestEffort: boolean;
}

/** Where sandboxes come from. Processes of a sandbox never outlive the process that opened it. */
export abstract class SandboxDriver {
  abstract readonly name: 'local' | 'docker';

  /**
   * @throws LimitNotEnforceable naming the limit and why, unless `bestEffort`
   * @throws SandboxUnavailable when no sandbox can be opened here at all
   */
  abstract open(spec: SandboxSpec): Promise<Sandbox>;

  /** Removes what an earlier host on this machine left behind of these sandboxes; called at start. */
  abstract sweep(sandboxIds: readonly string[]): Promise<void>;
}

export interface Sandbox {
  /** The folder in which its processes start, as they see it. */
  readonly workdir: string;
  /** What holds here, e.g. `pid_namespace`, `mount_namespace`, `clean_environment`. */
  readonly isolation: readonly string[];
  /** Those of the limits asked for that are held. */
  readonly limitsEnforced: readonly LimitName[];
  /** Resolves when the sandbox is over, whoever ended it. */
  readonly over: Promise<void>;

  /**
   * A command that cannot be run is no error here: its process has `ended` with 127 or 126.
   * @throws SandboxOver once it is closed or over
   * @throws RangeError when the name of an environment variable is not letters, digits and `_`
   */
  start(process: ProcessSpec): Promise<SandboxProcess>;

  /**
   * SIGTERM to every process, SIGKILL to what is left after `graceMs`; resolves once none is left and
   * the work folder is gone. Idempotent: a second call waits for the first.
   */
  close(graceMs: number): Promise<void>;
}

export interface ProcessSpec {
  /** A path, or a name that is looked up in `PATH`. */
  readonly command: string;
  readonly args: readonly string[];
  /** Added to the clean environment (`PATH`, `HOME`, `LANG`, `TMPDIR`), or instead of what is there. */
  readonly env: Readonly<Record<string, string>>;
  /** Relative to the work folder, and never outside of it; by default the work folder. */
  readonly cwd?: string;
}

export interface SandboxProcess {
  /** As seen from the host, for operators. */
  readonly pid: number;
  /** Writing after the process has gone fails the write, and is safe to ignore. */
  readonly stdin: Writable;
  /** Raw bytes. A reader that stops reading slows the process down. */
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Once the process itself has ended; what it started may live on, and may hold its output open. */
  readonly ended: Promise<ProcessEnd>;
  /** To the process and its process group. Does nothing once the process has ended. */
  kill(signal: NodeJS.Signals): void;
}

/** Either `exit_code` or `signal`; `reason` when the command could not be run (127: not found, 126: else). */
export interface ProcessEnd {
  readonly exit_code?: number;
  readonly signal?: string;
  readonly reason?: string;
}

/** This machine cannot hold a sandbox to a limit that was asked for. */
export class LimitNotEnforceable extends Error {
  override readonly name = 'LimitNotEnforceable';
  constructor(
    readonly limit: LimitName,
    readonly reason: string,
  ) {
    super(`The limit ${limit} cannot be enforced here: ${reason}.`);
  }
}

/** No sandbox can be opened here: the system lacks what the driver needs, or forbids it. */
export class SandboxUnavailable extends Error {
  override readonly name = 'SandboxUnavailable';
  constructor(readonly reason: string) {
    super(`No sandbox can be opened here: ${reason}.`);
  }
}

/** The sandbox has been closed, or has ended by itself; nothing can be started in it. */
export class SandboxOver extends Error {
  override readonly name = 'SandboxOver';
  constructor() {
    super('The sandbox is over.');
  }
}

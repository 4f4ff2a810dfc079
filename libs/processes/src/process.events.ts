import type { Fact } from '#eventsourcing';

export const processStatuses = ['starting', 'running', 'exited', 'killed', 'timed_out', 'lost'] as const;
export type ProcessStatus = (typeof processStatuses)[number];
export type LiveStatus = 'starting' | 'running';
export type EndStatus = Exclude<ProcessStatus, LiveStatus>;

export const outputStreams = ['stdout', 'stderr'] as const;
export type OutputStream = (typeof outputStreams)[number];

export interface StreamFigures {
  /** All that the process wrote, kept or not. */
  readonly bytes: number;
  /** Whether some of it was dropped behind the cap. */
  readonly truncated: boolean;
}
export type OutputFigures = Readonly<Record<OutputStream, StreamFigures>>;

export const signals = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGKILL', 'SIGUSR1', 'SIGUSR2'] as const;
export type Signal = (typeof signals)[number];

/** Everything that a process is asked for. */
export interface ProcessBirth {
  readonly process_id: string;
  readonly project_id: string;
  readonly user_id: string;
  readonly sandbox_id: string;
  readonly run_id: string;
  readonly task_id: string;
  readonly session_id?: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Names of the variables that are added to the environment. */
  readonly env_keys: readonly string[];
  /** Their values, out of reach of who has not the key that is destroyed at the start. */
  readonly env_sealed?: string;
  readonly cwd?: string;
  readonly timeout_seconds: number;
  readonly detached: boolean;
  readonly attach_output: boolean;
  /** Bytes kept of each stream; 0 is all. */
  readonly output_limit_bytes: number;
}

/**
 * What every change of status carries, so that whoever counts processes by run or session needs no other
 * event.
 */
interface Transition {
  readonly from: LiveStatus;
  readonly run_id: string;
  readonly session_id?: string;
}

export type ProcessRequested = Fact<'ProcessRequested', ProcessBirth>;
export type ProcessStarted = Fact<'ProcessStarted', Transition & { readonly pid: number }>;
export type ProcessTerminationRequested = Fact<
  'ProcessTerminationRequested',
  { readonly signal: Signal; readonly grace_seconds: number }
>;

export interface Ending {
  readonly status: EndStatus;
  readonly exit_code?: number;
  readonly signal?: string;
  /** Why it did not simply exit. */
  readonly reason?: string;
  readonly output: OutputFigures;
}
export type ProcessEnded = Fact<'ProcessEnded', Transition & Ending>;

/** What retention has removed of one stream of output: all that was kept of it. */
export interface PurgedStream {
  readonly bytes: number;
  /** Of these bytes; hex. */
  readonly sha256: string;
}

/** The output is gone. What it was stands here, so that the process tells the same without it. */
export type ProcessOutputPurged = Fact<
  'ProcessOutputPurged',
  Readonly<Record<OutputStream, PurgedStream>> & {
    /** Why: a sweep of retention, by the policy of a scope. */
    readonly cause: {
      readonly operation_id: string;
      readonly scope: string;
      /** Name of the manifest in the archive, when it was archived before. */
      readonly archive?: string;
    };
  }
>;

/** The facts of a stream `process-<id>`. */
export type ProcessFact =
  ProcessRequested | ProcessStarted | ProcessTerminationRequested | ProcessEnded | ProcessOutputPurged;

export const processStream = (id: string): string => `process-${id}`;

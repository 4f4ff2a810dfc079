import type { Fact } from '#eventsourcing';

/** What all processes of a sandbox together are held to; what is absent is not limited. */
export interface Limits {
  readonly cpu_cores?: number;
  readonly memory_mb?: number;
  /** Processes and threads, by the kernel's count. */
  readonly pids?: number;
  /** Processes of the API that run at the same time. */
  readonly max_processes: number;
}

/** Everything that a sandbox is asked for. */
export interface SandboxBirth {
  readonly sandbox_id: string;
  readonly project_id: string;
  readonly user_id: string;
  readonly run_id: string;
  readonly task_id: string;
  readonly session_id?: string;
  readonly limits: Limits;
  readonly allow_detached: boolean;
  /** Whether it may be opened without the limits that the host cannot enforce. */
  readonly best_effort: boolean;
}

export const refusals = ['no_host', 'limit_not_enforceable', 'failed'] as const;
export type Refusal = (typeof refusals)[number];

/** Why a sandbox is closed. */
export type CloseReason =
  | 'requested'
  | 'run_completed'
  | 'run_failed'
  | 'run_cancelled'
  | 'host_stopped'
  | 'host_lost'
  | 'sandbox_died';

export type SandboxRequested = Fact<'SandboxRequested', SandboxBirth>;
/** The host that will open the sandbox and run its processes: the first one to say so. */
export type SandboxClaimed = Fact<'SandboxClaimed', { readonly host_id: string; readonly driver: string }>;
export type SandboxOpened = Fact<
  'SandboxOpened',
  {
    readonly workdir: string;
    readonly isolation: readonly string[];
    readonly limits_enforced: readonly string[];
  }
>;
/** The sandbox will never be opened. */
export type SandboxRefused = Fact<'SandboxRefused', { readonly code: Refusal; readonly detail: string }>;
export type SandboxCloseRequested = Fact<
  'SandboxCloseRequested',
  { readonly reason: CloseReason; readonly grace_seconds: number }
>;
/** Nothing of the sandbox is left. */
export type SandboxClosed = Fact<'SandboxClosed', { readonly reason: CloseReason }>;

/** The facts of a stream `sandbox-<id>`. */
export type SandboxFact =
  SandboxRequested | SandboxClaimed | SandboxOpened | SandboxRefused | SandboxCloseRequested | SandboxClosed;

export const sandboxStream = (id: string): string => `sandbox-${id}`;

import type { Decider } from '#eventsourcing';
import type { RunSandboxClaimed } from './run-sandbox.events.js';
import type { SandboxBirth } from './sandbox.events.js';

/** The newest sandbox of a run; whether it is still there is asked of its own stream. */
export type RunSandbox = SandboxBirth | undefined;

export const runSandboxDecider: Decider<RunSandbox, RunSandboxClaimed> = {
  initial: undefined,
  evolve: (_held, { data }) => data.sandbox,
};

/** Puts a sandbox in the place of one that is over. @param over the id that was seen to be over, if there was one */
export const claimRunSandbox = (
  held: RunSandbox,
  sandbox: SandboxBirth,
  over: string | undefined,
): RunSandboxClaimed[] =>
  held?.sandbox_id === over ? [{ type: 'RunSandboxClaimed', data: { sandbox } }] : [];

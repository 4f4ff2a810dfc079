import type { Fact } from '#eventsourcing';
import type { SandboxBirth } from './sandbox.events.js';

/**
 * The run's one sandbox is this one from now on. It carries the whole request, so that whoever finds the claim
 * without the sandbox's own stream can finish what was begun.
 */
export type RunSandboxClaimed = Fact<'RunSandboxClaimed', { readonly sandbox: SandboxBirth }>;

export const runSandboxStream = (runId: string): string => `runSandbox-${runId}`;

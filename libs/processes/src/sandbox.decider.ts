import type { Decider } from '#eventsourcing';
import type {
  CloseReason,
  SandboxBirth,
  SandboxClaimed,
  SandboxCloseRequested,
  SandboxFact,
  SandboxOpened,
  SandboxRefused,
} from './sandbox.events.js';

/** A sandbox as its stream tells it. */
export interface SandboxState extends SandboxBirth {
  /** `requested` and `claimed` precede what the API calls open; a `refused` one never was. */
  readonly status: 'requested' | 'claimed' | 'open' | 'closing' | 'closed' | 'refused';
  readonly host_id: string | null;
  readonly driver: string | null;
  readonly workdir: string | null;
  readonly isolation: readonly string[];
  readonly limits_enforced: readonly string[];
  readonly refused: SandboxRefused['data'] | null;
  /** How it is to be closed, once that was asked for. */
  readonly closing: SandboxCloseRequested['data'] | null;
  readonly reason: CloseReason | null;
  readonly created_at: string;
  readonly closed_at: string | null;
  readonly revision: number;
}

export type SandboxOrNone = SandboxState | undefined;

export const sandboxDecider: Decider<SandboxOrNone, SandboxFact> = {
  initial: undefined,
  evolve: (sandbox, fact, { metadata: { at } }) => {
    if (fact.type === 'SandboxRequested') return born(fact.data, at);
    if (sandbox === undefined) return undefined;
    const next = { ...sandbox, revision: sandbox.revision + 1 };
    switch (fact.type) {
      case 'SandboxClaimed':
        return { ...next, ...fact.data, status: sandbox.closing === null ? 'claimed' : 'closing' };
      case 'SandboxOpened':
        return { ...next, ...fact.data, status: sandbox.closing === null ? 'open' : 'closing' };
      case 'SandboxRefused':
        return { ...next, status: 'refused', refused: fact.data, closed_at: at };
      case 'SandboxCloseRequested':
        return { ...next, status: 'closing', closing: fact.data };
      case 'SandboxClosed':
        return { ...next, status: 'closed', reason: fact.data.reason, closed_at: at };
    }
  },
  weigh: () => 1_000,
};

const born = (birth: SandboxBirth, at: string): SandboxState => ({
  ...birth,
  status: 'requested',
  host_id: null,
  driver: null,
  workdir: null,
  isolation: [],
  limits_enforced: [],
  refused: null,
  closing: null,
  reason: null,
  created_at: at,
  closed_at: null,
  revision: 1,
});

/** Whether nothing of the sandbox is left, or ever was. */
export const isGone = ({ status }: SandboxState): boolean => status === 'closed' || status === 'refused';

export const requestSandbox = (sandbox: SandboxOrNone, birth: SandboxBirth): SandboxFact[] =>
  sandbox === undefined ? [{ type: 'SandboxRequested', data: birth }] : [];

/** Makes the host the one that runs the sandbox, unless another was first or nobody wants it any more. */
export const claimSandbox = (sandbox: SandboxOrNone, claim: SandboxClaimed['data']): SandboxFact[] =>
  sandbox?.status === 'requested' ? [{ type: 'SandboxClaimed', data: claim }] : [];

/** Of its own sandbox, its host alone says this; nothing when others have declared the sandbox over. */
export const sandboxOpened = (
  sandbox: SandboxOrNone,
  hostId: string,
  opened: SandboxOpened['data'],
): SandboxFact[] =>
  sandbox?.host_id === hostId && !isGone(sandbox) ? [{ type: 'SandboxOpened', data: opened }] : [];

export const refuseSandbox = (sandbox: SandboxOrNone, refused: SandboxRefused['data']): SandboxFact[] =>
  sandbox === undefined || isGone(sandbox) ? [] : [{ type: 'SandboxRefused', data: refused }];

/** Nobody has taken the request, and nobody shall any more. */
export const giveUpSandbox = (sandbox: SandboxOrNone): SandboxFact[] =>
  sandbox?.host_id === null
    ? refuseSandbox(sandbox, { code: 'no_host', detail: 'no host has taken the sandbox' })
    : [];

/** Closes once: a second request changes nothing, but may shorten the grace. */
export function requestClose(sandbox: SandboxOrNone, asked: SandboxCloseRequested['data']): SandboxFact[] {
  if (sandbox === undefined || isGone(sandbox)) return [];
  if (sandbox.closing !== null && sandbox.closing.grace_seconds <= asked.grace_seconds) return [];
  const reason = sandbox.closing?.reason ?? asked.reason;
  return [{ type: 'SandboxCloseRequested', data: { ...asked, reason } }];
}

/** @param reason of who ends it: a host may have begun to, for its run ended, before it was asked to */
export const closeSandbox = (sandbox: SandboxOrNone, reason: CloseReason): SandboxFact[] =>
  sandbox === undefined || isGone(sandbox) ? [] : [{ type: 'SandboxClosed', data: { reason } }];

/** The host is gone: what was asked of it has come about. */
export const loseSandbox = (sandbox: SandboxOrNone): SandboxFact[] =>
  closeSandbox(sandbox, sandbox?.closing?.reason ?? 'host_lost');

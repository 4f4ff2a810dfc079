import type { Decider } from '#eventsourcing';
import type { ProcessKeyMade } from './process-key.events.js';

/** A key (32 bytes, base64); undefined before it was made and after it was destroyed. */
export type ProcessKey = string | undefined;

export const processKeyDecider: Decider<ProcessKey, ProcessKeyMade> = {
  initial: undefined,
  evolve: (_key, { data }) => data.key,
};

export const makeKey = (key: ProcessKey, random: Buffer): ProcessKeyMade[] =>
  key === undefined ? [{ type: 'ProcessKeyMade', data: { key: random.toString('base64') } }] : [];

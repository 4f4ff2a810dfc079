import type { Decider } from '#eventsourcing';
import type { TranscriptShared } from './transcript-forks.events.js';

export interface TranscriptFork {
  readonly sequence_number: number;
  readonly through_seq: number;
  /** RFC 3339 UTC with milliseconds. */
  readonly since: string;
}

/** The forks that were ever made of a transcript, by session. */
export type TranscriptForks = ReadonlyMap<string, TranscriptFork>;

export const transcriptForksDecider: Decider<TranscriptForks, TranscriptShared> = {
  initial: new Map(),
  evolve: (forks, { data: { fork_id, ...fork } }, { metadata }) =>
    new Map(forks).set(fork_id, { ...fork, since: metadata.at }),
  weigh: (forks) => forks.size * 250,
};

/** Notes a fork, once. */
export const shareTranscript = (
  forks: TranscriptForks,
  fork: TranscriptShared['data'],
): TranscriptShared[] => (forks.has(fork.fork_id) ? [] : [{ type: 'TranscriptShared', data: fork }]);

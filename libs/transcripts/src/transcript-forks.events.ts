import type { Fact } from '#eventsourcing';

/** A fork is being made that shows segments of this transcript: written before the fork is there. */
export type TranscriptShared = Fact<
  'TranscriptShared',
  {
    readonly fork_id: string;
    /** Where in the feed of the session that is forked. */
    readonly sequence_number: number;
    /** `seq` of the last segment that may be shown; 0 when there is none. */
    readonly through_seq: number;
  }
>;

/** The stream of the forks that show segments of a session's transcript. */
export const transcriptForksStream = (id: string): string => `transcriptForks-${id}`;

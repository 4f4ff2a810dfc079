import type { Fact } from '#eventsourcing';

/** All keys of the segments whose `seq`, in 32 binary digits, begins with `path` follow from the seed. */
export interface Seed {
  readonly path: string;
  /** 32 bytes, base64. */
  readonly seed: string;
}

/** From now on only these seeds are kept. What they cannot derive is lost for good. */
export type TranscriptSeedsReplaced = Fact<'TranscriptSeedsReplaced', { readonly seeds: readonly Seed[] }>;

/** The stream that holds the seeds of a transcript: its newest event alone counts, older ones are removed. */
export const transcriptSeedsStream = (id: string): string => `transcriptSeeds-${id}`;

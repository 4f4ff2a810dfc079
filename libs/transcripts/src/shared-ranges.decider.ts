import { clipped } from './clipped.decider.js';
import { keptIds } from './transcript-changes.decider.js';
import { type TranscriptState } from './transcript.decider.js';
import type { SharedRange, TranscriptForked } from './transcript.events.js';

/** Whose segments a transcript shows up to one of them, in order: its own stand between those that it shares. */
export function rangesOf(id: string, { shared }: TranscriptState, through: number): SharedRange[] {
  const ranges: SharedRange[] = [];
  let after_seq = 0;
  for (const range of shared) {
    ranges.push({ owner: id, after_seq, through_seq: range.after_seq }, range);
    after_seq = range.through_seq;
  }
  ranges.push({ owner: id, after_seq, through_seq: Infinity });
  return clipped(ranges, 0, through);
}

/** The transcript that holds a segment. */
export const ownerOf = (id: string, { shared }: TranscriptState, seq: number): string =>
  shared.find(({ after_seq, through_seq }) => seq > after_seq && seq <= through_seq)?.owner ?? id;

/** A summary, itself the segment `seq`, and what it stands for. */
export interface SharedSummary {
  readonly seq: number;
  readonly covers: number;
}

/**
 * Begins the transcript of a fork with what its source shows up to a segment; without one there is nothing to begin.
 * @param source session that is forked @param summaries all of its summaries up to there
 */
export function forkTranscript(
  fork: TranscriptState,
  source: string,
  state: TranscriptState,
  through_seq: number,
  summaries: readonly SharedSummary[],
): TranscriptForked[] {
  if (fork.last_seq > 0 || through_seq === 0) return [];
  const covers = summaries.at(-1)?.covers ?? 0;
  const ids = state.seen.newest(Infinity).filter(([, seq]) => seq <= through_seq);
  return [
    {
      type: 'TranscriptForked',
      data: {
        ...{ from: source, through_seq, covers },
        summaries: summaries.map(({ seq }) => seq).filter((seq) => seq > covers),
        ids: ids.slice(-keptIds).map(([id, seq]) => ({ id, seq })),
        purged_seq: Math.min(state.purged_seq, through_seq),
        shared: rangesOf(source, state, through_seq),
      },
    },
  ];
}

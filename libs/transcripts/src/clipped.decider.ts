import type { SharedRange } from './transcript.events.js';

/** What of some ranges stands behind one segment, up to another. */
export const clipped = (ranges: readonly SharedRange[], after: number, through: number): SharedRange[] =>
  ranges
    .map((range) => ({
      ...range,
      after_seq: Math.max(range.after_seq, after),
      through_seq: Math.min(range.through_seq, through),
    }))
    .filter(({ after_seq, through_seq }) => after_seq < through_seq);

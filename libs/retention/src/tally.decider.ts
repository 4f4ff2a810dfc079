import type { RemovalRecord } from './sweep.events.js';

/** What was, or would be, removed. */
export interface Tally {
  /** Runs or sessions. */
  readonly subjects: number;
  /** Log lines, segments, or processes that left output. */
  readonly count: number;
  readonly bytes: number;
  /** Earliest and latest time that the content names; null when nothing was removed. */
  readonly oldest: string | null;
  readonly newest: string | null;
  /** The first 100 of the runs or sessions. */
  readonly ids: readonly string[];
  /** The last of them. */
  readonly last_id: string | null;
}

const mostIds = 100;

export const nothing: Tally = {
  subjects: 0,
  count: 0,
  bytes: 0,
  oldest: null,
  newest: null,
  ids: [],
  last_id: null,
};

/** Removals of one run or session come one after the other. */
export function tallied(tally: Tally, removal: RemovalRecord): Tally {
  const again = removal.id === tally.last_id;
  return {
    subjects: tally.subjects + (again ? 0 : 1),
    count: tally.count + removal.through_seq - removal.after_seq,
    bytes: tally.bytes + removal.bytes,
    oldest: tally.oldest !== null && tally.oldest < removal.from ? tally.oldest : removal.from,
    newest: tally.newest !== null && tally.newest > removal.to ? tally.newest : removal.to,
    ids: again || tally.ids.length === mostIds ? tally.ids : [...tally.ids, removal.id],
    last_id: removal.id,
  };
}

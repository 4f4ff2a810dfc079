import { ProblemError } from '#http';

/** What there is of a log. */
export interface LogExtent {
  /** `seq` of the last line, 0 when there never was one. */
  readonly last_seq: number;
  /** `seq` of the last line that retention has removed, 0 when it has removed none. */
  readonly purged_seq: number;
  /** The earliest and the latest time of the lines that retention has removed, RFC 3339. */
  readonly purged: { readonly from: string; readonly to: string } | undefined;
}

/** Which lines are asked for; a bound that is not given takes what there is. */
interface Range {
  readonly after?: number | undefined;
  readonly before?: number | undefined;
  /** In milliseconds since 1970. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
}

/** @param earliest `seq` of the first line that is left, or will be the next one */
export const gone = (earliest: number): ProblemError =>
  new ProblemError('gone', `Retention has removed the lines before ${earliest}.`, {
    extra: { earliest_seq: earliest },
  });

/**
 * Refuses a range that begins, or wholly lies, where lines have been removed, and one without bounds when
 * nothing is left. Times need not be in the order of lines: what was removed counts from the earliest to the latest.
 * @throws ProblemError gone
 */
export function expectKept(extent: LogExtent, { after, before, from, to }: Range): void {
  const { last_seq, purged_seq, purged } = extent;
  if (purged_seq === 0) return;
  const [earliest, latest] = [Date.parse(purged?.from ?? ''), Date.parse(purged?.to ?? '')];
  const removed = after === undefined && Math.min(from ?? Infinity, to ?? Infinity) <= latest;
  const begins = (after !== undefined && after < purged_seq) || (removed && (to ?? Infinity) >= earliest);
  const ends = before !== undefined && before > 1 && before <= purged_seq + 1;
  const bounded = [after, before, from, to].some((bound) => bound !== undefined);
  if (begins || ends || (!bounded && last_seq === purged_seq)) throw gone(purged_seq + 1);
}

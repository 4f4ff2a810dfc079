import { ProblemError } from '#http';

/** What there is of a log. */
export interface LogExtent {
  /** `seq` of the last line, 0 when there never was one. */
  readonly last_seq: number;
  /** `seq` of the last line that retention has removed, 0 when it has removed none. */
  readonly purged_seq: number;
}

/** Which lines are asked for; a bound that is not given takes what there is. */
interface Range {
  readonly after?: number | undefined;
  readonly before?: number | undefined;
}

/** @param earliest `seq` of the first line that is left, or will be the next one */
export const gone = (earliest: number): ProblemError =>
  new ProblemError('gone', `Retention has removed the lines before ${earliest}.`, {
    extra: { earliest_seq: earliest },
  });

/**
 * Refuses a range that begins, or wholly lies, where lines have been removed, and one without bounds when
 * nothing is left. @throws ProblemError gone
 */
export function expectKept({ last_seq, purged_seq }: LogExtent, { after, before }: Range): void {
  if (purged_seq === 0) return;
  const begins = after !== undefined && after < purged_seq;
  const ends = before !== undefined && before > 1 && before <= purged_seq + 1;
  const nothing = after === undefined && before === undefined && last_seq === purged_seq;
  if (begins || ends || nothing) throw gone(purged_seq + 1);
}

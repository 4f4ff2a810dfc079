import { type Duration, later, surelyBefore } from './duration.js';
import type { Eager, Piece } from './retained-content.js';
import type { RemovalRecord } from './sweep.events.js';

/** The limits of a policy, ready to be compared with. */
export interface Limits {
  readonly maxAge: Duration | null;
  readonly maxBytes: number | null;
}

/**
 * How many of a subject's oldest pieces are due: each whose age is over, or that must go for the rest to be
 * small enough, but none behind one that must stay, for what is removed is always the oldest.
 * @param pieces the oldest ones, by `seq`
 * @param bytes of all that is stored of the subject
 * @param stays says of a piece that it must not be removed now
 */
export function dueCount(
  pieces: readonly Piece[],
  bytes: number,
  { maxAge, maxBytes }: Limits,
  now: number,
  stays: (piece: Piece) => boolean,
): number {
  let left = bytes;
  let n = 0;
  for (const piece of pieces) {
    const aged = maxAge !== null && later(piece.dated, maxAge) <= now;
    const tooMuch = maxBytes !== null && left > maxBytes;
    if (!(aged || tooMuch) || stays(piece)) break;
    left -= piece.bytes;
    n++;
  }
  return n;
}

/** What all of these limits let past unseen may be left out of the look. */
export function eagerest(limits: readonly Limits[], now: number): Eager {
  const cutoffs = limits.map(({ maxAge }) => (maxAge === null ? -Infinity : surelyBefore(now, maxAge)));
  const cutoff = Math.max(-Infinity, ...cutoffs);
  return {
    dated: cutoff < yearOne ? '-infinity' : new Date(cutoff).toISOString(),
    bytes: Math.min(...limits.map(({ maxBytes }) => maxBytes ?? Infinity), Number.MAX_SAFE_INTEGER),
  };
}

const yearOne = Date.parse('0001-01-01T00:00:00Z');

/** Pieces that follow each other, as one removal. @param pieces one at least */
export function removalOf(pieces: readonly [Piece, ...Piece[]]): RemovalRecord {
  const [first] = pieces;
  const last = pieces.at(-1) ?? first;
  const iso = (time: number): string => new Date(time).toISOString();
  return {
    id: first.subject_id,
    after_seq: first.first_seq - 1,
    through_seq: last.last_seq,
    revision: last.revision + 1,
    bytes: pieces.reduce((sum, piece) => sum + piece.bytes, 0),
    from: iso(pieces.reduce((least, { from }) => Math.min(least, from), Infinity)),
    to: iso(pieces.reduce((most, { to }) => Math.max(most, to), -Infinity)),
  };
}

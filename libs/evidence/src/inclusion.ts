import { nodeHash } from './merkle.js';

/** A part of a tree: what stands in front of it as its peaks, and then each leaf's hash. */
export interface TreePart {
  /** How many leaves stand in front. */
  readonly first: number;
  readonly peaks: readonly Uint8Array[];
  readonly leaves: readonly Uint8Array[];
}

/**
 * Shows that a leaf stands in a tree: the hashes beside its way to the root, lowest first (RFC 9162, section 2.1.3.1).
 * @param part to the end of the tree, and with the leaf among its leaves @param n number of the leaf
 */
export function inclusionPath({ first, peaks, leaves }: TreePart, n: number): Buffer[] {
  const size = first + leaves.length;
  const peakFrom = new Map<number, Uint8Array>();
  let from = 0;
  for (const peak of peaks) {
    peakFrom.set(from, peak);
    from += largestPower(first - from);
  }
  /** The hash of the subtree over the leaves from `start` on, before `end`. */
  const hashOf = (start: number, end: number): Uint8Array => {
    if (end <= first && end - start === largestPower(end - start)) {
      const peak = peakFrom.get(start);
      if (peak !== undefined) return peak;
    }
    if (end - start === 1) return leaves[start - first] as Uint8Array;
    const middle = middleOf(start, end);
    return nodeHash(hashOf(start, middle), hashOf(middle, end));
  };
  const pathIn = (start: number, end: number): Uint8Array[] => {
    if (end - start === 1) return [];
    const middle = middleOf(start, end);
    return n < middle
      ? [...pathIn(start, middle), hashOf(middle, end)]
      : [...pathIn(middle, end), hashOf(start, middle)];
  };
  return pathIn(0, size).map((hash) => Buffer.from(hash));
}

/** Where the two subtrees meet: the first is the largest full one that leaves something for the second. */
const middleOf = (start: number, end: number): number => start + largestPower(end - start - 1);

/** The largest power of two that is no larger; sizes are safe integers. */
const largestPower = (size: number): number => 2 ** (size.toString(2).length - 1);

/** The root of the tree of a size in which such a path shows the n-th leaf to stand (RFC 9162, section 2.1.3.2); undefined when no path is like it. */
export function rootAbove(
  leaf: Uint8Array,
  n: number,
  size: number,
  path: readonly Uint8Array[],
): Buffer | undefined {
  if (n >= size) return undefined;
  let [place, last] = [n, size - 1];
  let hash: Buffer = Buffer.from(leaf);
  const up = (): void => {
    place = Math.floor(place / 2);
    last = Math.floor(last / 2);
  };
  for (const beside of path) {
    if (last === 0) return undefined;
    if (place % 2 === 1 || place === last) {
      hash = nodeHash(beside, hash);
      while (place % 2 === 0 && place !== 0) up();
    } else {
      hash = nodeHash(hash, beside);
    }
    up();
  }
  return last === 0 ? hash : undefined;
}

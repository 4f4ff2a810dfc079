import { hash } from 'node:crypto';

const leafPrefix = Buffer.from([0]);
const nodePrefix = Buffer.from([1]);

const sha256 = (...parts: readonly Uint8Array[]): Buffer =>
  hash('sha256', parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts), 'buffer');

/** The hash of one leaf's bytes; a node can never be taken for a leaf (RFC 6962, section 2.1). */
export const leafHash = (bytes: Uint8Array): Buffer => sha256(leafPrefix, bytes);

export const nodeHash = (left: Uint8Array, right: Uint8Array): Buffer => sha256(nodePrefix, left, right);

/**
 * A Merkle tree (RFC 6962, section 2.1) that only grows. It keeps the roots of its full subtrees, largest
 * first: as many as its size has ones in binary, whatever that size is.
 */
export class MerkleTree {
  private constructor(
    private count: number,
    private readonly tops: Buffer[],
  ) {}

  static empty(): MerkleTree {
    return new MerkleTree(0, []);
  }

  /** The tree of that size. @throws RangeError when a tree of that size has not so many peaks */
  static of(size: number, peaks: readonly Uint8Array[]): MerkleTree {
    if (peaks.length !== onesOf(size)) throw new RangeError(`no tree of ${size} has ${peaks.length} peaks`);
    return new MerkleTree(
      size,
      peaks.map((peak) => Buffer.from(peak)),
    );
  }

  get size(): number {
    return this.count;
  }

  get peaks(): readonly Buffer[] {
    return this.tops;
  }

  /** @param leaf hash of the next leaf */
  add(leaf: Uint8Array): void {
    let top: Buffer = Buffer.from(leaf);
    for (let full = this.count; full % 2 === 1; full = Math.floor(full / 2)) {
      top = nodeHash(this.tops.pop() as Buffer, top);
    }
    this.tops.push(top);
    this.count++;
  }

  /** The root hash; that of no leaf is the hash of nothing. */
  root(): Buffer {
    const last = this.tops.at(-1);
    if (last === undefined) return sha256(Buffer.alloc(0));
    return this.tops.slice(0, -1).reduceRight((right, left) => nodeHash(left, right), last);
  }
}

const onesOf = (size: number): number => size.toString(2).replaceAll('0', '').length;

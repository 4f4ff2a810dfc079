import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { inclusionPath, leafHash, MerkleTree, rootAbove } from './index.js';

const hashes = (count: number): Buffer[] =>
  Array.from({ length: count }, (_, n) => leafHash(Buffer.from([n])));

const treeOf = (leaves: readonly Buffer[]): MerkleTree => {
  const tree = MerkleTree.empty();
  for (const leaf of leaves) tree.add(leaf);
  return tree;
};

/** A tree, one of its leaves, and how many of those before it are known by the peaks alone. */
const cases = fc
  .integer({ min: 1, max: 130 })
  .chain((size) => fc.tuple(fc.constant(size), fc.nat(size - 1)))
  .chain(([size, n]) => fc.tuple(fc.constant(size), fc.constant(n), fc.nat(n)));

const pathOf = (size: number, n: number, first: number): Buffer[] => {
  const leaves = hashes(size);
  const { peaks } = treeOf(leaves.slice(0, first));
  return inclusionPath({ first, peaks, leaves: leaves.slice(first) }, n);
};

describe('the path of a leaf', () => {
  it('leads to the root of the tree, whatever is known by its peaks', () => {
    fc.assert(
      fc.property(cases, ([size, n, first]) => {
        const leaves = hashes(size);
        const path = pathOf(size, n, first);
        expect(rootAbove(leaves[n] as Buffer, n, size, path)).toEqual(treeOf(leaves).root());
      }),
    );
  });

  it('leads there from no other leaf, and from no other place', () => {
    fc.assert(
      fc.property(cases, fc.nat(130), ([size, n, first], other) => {
        fc.pre(other !== n);
        const leaves = hashes(Math.max(size, other + 1));
        const root = treeOf(leaves.slice(0, size)).root();
        const path = pathOf(size, n, first);
        expect(rootAbove(leaves[other] as Buffer, n, size, path)).not.toEqual(root);
        expect(rootAbove(leaves[n] as Buffer, other, size, path)).not.toEqual(root);
      }),
    );
  });

  it('is of one length', () => {
    fc.assert(
      fc.property(cases, ([size, n, first]) => {
        const leaf = hashes(size)[n] as Buffer;
        const path = pathOf(size, n, first);
        expect(rootAbove(leaf, n, size, [...path, leaf])).toBeUndefined();
        if (path.length > 0) expect(rootAbove(leaf, n, size, path.slice(1))).toBeUndefined();
      }),
    );
  });
});

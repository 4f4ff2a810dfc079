import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { leafHash, MerkleTree } from './merkle.js';

const sha256 = (...parts: Uint8Array[]): Buffer =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();

/** The definition of RFC 6962, section 2.1, as it stands there. */
function naiveRoot(leaves: readonly Buffer[]): Buffer {
  const [first] = leaves;
  if (first === undefined) return sha256();
  if (leaves.length === 1) return sha256(Buffer.of(0), first);
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return sha256(Buffer.of(1), naiveRoot(leaves.slice(0, k)), naiveRoot(leaves.slice(k)));
}

const leaves = fc
  .array(fc.uint8Array({ maxLength: 20 }), { maxLength: 70 })
  .map((all) => all.map((one) => Buffer.from(one)));

describe('a Merkle tree', () => {
  it('has the root that the definition gives, at every size', () => {
    fc.assert(
      fc.property(leaves, (all) => {
        const tree = MerkleTree.empty();
        all.forEach((leaf, n) => {
          expect(tree.root()).toEqual(naiveRoot(all.slice(0, n)));
          tree.add(leafHash(leaf));
        });
        expect(tree.root()).toEqual(naiveRoot(all));
      }),
      { numRuns: 50 },
    );
  });

  it('goes on from its peaks as if it had never stopped', () => {
    fc.assert(
      fc.property(leaves, fc.nat(70), (all, stop) => {
        const tree = MerkleTree.empty();
        for (const leaf of all.slice(0, stop)) tree.add(leafHash(leaf));
        const later = MerkleTree.of(tree.size, tree.peaks);
        for (const leaf of all.slice(stop)) later.add(leafHash(leaf));
        expect(later.size).toBe(all.length);
        expect(later.root()).toEqual(naiveRoot(all));
      }),
    );
  });

  it('refuses peaks that no tree of that size has', () => {
    expect(() => MerkleTree.of(3, [Buffer.alloc(32)])).toThrow(RangeError);
  });
});

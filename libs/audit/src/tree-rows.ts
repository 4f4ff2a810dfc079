import { leafOf, MerkleTree } from '#evidence';
import type { Database } from '#read-models';

const hashBytes = 32;
const positionIn = /^\{"n":\d+,"position":"(\d+)"/;

/** What a leaf of the tree is made of. */
export interface Leaf {
  /** Which event it is, as an export writes it. */
  readonly head: string;
  /** SHA-256 of its content, in hexadecimal. */
  readonly digest: string;
}

/** A leaf as it stands in the tree. */
export interface PlacedLeaf extends Leaf {
  readonly n: number;
  readonly hash: Buffer;
  /** Where its event stands in the store. */
  readonly position: bigint;
}

/** Leaves as a row keeps them. */
export const packed = (leaves: readonly Leaf[]): { heads: string; digests: Buffer } => ({
  heads: leaves.map(({ head }) => head).join('\n'),
  digests: Buffer.from(leaves.map(({ digest }) => digest).join(''), 'hex'),
});

/** The peaks of a tree as a row keeps them. */
export const packedPeaks = (tree: MerkleTree): Buffer => Buffer.concat(tree.peaks);

/** A tree of such peaks. */
export const treeOf = (size: number, peaks: Buffer): MerkleTree =>
  MerkleTree.of(
    size,
    Array.from({ length: peaks.length / hashBytes }, (_, k) =>
      peaks.subarray(k * hashBytes, (k + 1) * hashBytes),
    ),
  );

/** The tree as it was at a size. @throws StoreUnavailable */
export async function treeAt(database: Database, size: number): Promise<MerkleTree> {
  const [row] = await database.query<{ first: string; peaks: Buffer }>(
    `SELECT first, peaks FROM audit.leaves WHERE first <= $1 AND peaks IS NOT NULL ORDER BY first DESC LIMIT 1`,
    [size],
  );
  const tree = row === undefined ? MerkleTree.empty() : treeOf(Number(row.first), row.peaks);
  for await (const { hash } of readLeaves(database, tree.size, size)) tree.add(hash);
  return tree;
}

/** The leaves of the tree from the n-th on, in order, up to a size. @throws StoreUnavailable */
export async function* readLeaves(
  database: Database,
  from: number,
  size: number,
): AsyncGenerator<PlacedLeaf> {
  let next = from;
  while (next < size) {
    const [row] = await database.query<{ first: string; heads: string; digests: Buffer }>(
      'SELECT first, heads, digests FROM audit.leaves WHERE first <= $1 ORDER BY first DESC LIMIT 1',
      [next],
    );
    const start = next;
    const first = Number(row?.first ?? 0);
    const heads = row?.heads.split('\n') ?? [];
    for (let k = next - first; k < heads.length && next < size; k++, next++) {
      const head = heads[k] ?? '';
      const digest = row?.digests.toString('hex', k * hashBytes, (k + 1) * hashBytes) ?? '';
      const position = BigInt(positionIn.exec(head)?.[1] ?? 0);
      yield { n: next, head, digest, hash: leafOf(head, digest), position };
    }
    if (next === start) throw new Error(`leaf ${next} of the tree is missing`);
  }
}

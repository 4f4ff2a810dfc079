import type { Database } from '#read-models';

const leafBytes = 32;
const positionBytes = 8;

/** A leaf of the tree, and where its event stands in the store. */
export interface Leaf {
  readonly n: number;
  readonly hash: Buffer;
  readonly position: bigint;
}

/** Leaves as a row keeps them. */
export function packed(leaves: readonly Leaf[]): { hashes: Buffer; positions: Buffer } {
  const positions = Buffer.alloc(leaves.length * positionBytes);
  leaves.forEach(({ position }, k) => positions.writeBigInt64BE(position, k * positionBytes));
  return { hashes: Buffer.concat(leaves.map(({ hash }) => hash)), positions };
}

/** The leaves of the tree from the n-th on, in order, up to a size. @throws StoreUnavailable */
export async function* readLeaves(database: Database, from: number, size: number): AsyncGenerator<Leaf> {
  let next = from;
  while (next < size) {
    const rows = await database.query<{ first: string; hashes: Buffer; positions: Buffer }>(
      `SELECT first, hashes, positions FROM audit.leaves
       WHERE first >= coalesce((SELECT max(first) FROM audit.leaves WHERE first <= $1), 0) AND first < $2
       ORDER BY first LIMIT 100`,
      [next, size],
    );
    const start = next;
    for (const row of rows) {
      const first = Number(row.first);
      for (let k = next - first; k * leafBytes < row.hashes.length && next < size; k++, next++) {
        yield {
          n: next,
          hash: row.hashes.subarray(k * leafBytes, (k + 1) * leafBytes),
          position: row.positions.readBigInt64BE(k * positionBytes),
        };
      }
    }
    if (next === start) throw new Error(`leaf ${next} of the tree is missing`);
  }
}

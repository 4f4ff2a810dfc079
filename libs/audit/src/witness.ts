import { type KeyObject } from 'node:crypto';
import { EventStore } from '#eventsourcing';
import {
  type Checkpoint,
  checkpointKind,
  eventHead,
  keyIdOf,
  leafOf,
  MerkleTree,
  publicText,
  signed,
} from '#evidence';
import { unavailable } from '#postgres';
import { Database } from '#read-models';
import { type Leaf, packed, packedPeaks, treeOf } from './tree-rows.js';

/** Events that are taken in at once. */
const mostAtOnce = 4_000;
/** A checkpoint is signed after so many events, and after so many milliseconds when there is any. */
const sealEvery = { events: 1_000, ms: 30_000 };

interface TreeRow {
  readonly size: string;
  readonly position: string;
  readonly peaks: Buffer;
  readonly sealed: string;
  readonly sealed_at: Date;
}

/**
 * Lets every event of the store, in the one order, become a leaf of a Merkle tree, and signs its root from
 * time to time. It reads what is stored already: an append never waits for it.
 */
export class Witness {
  readonly publicKey: string;
  private known = false;

  constructor(
    private readonly database: Database,
    private readonly store: EventStore,
    private readonly key: KeyObject,
  ) {
    this.publicKey = publicText(key);
  }

  /** Signs something else than a checkpoint with the same key. */
  sign<T extends object>(kind: string, members: T) {
    return signed(kind, members, this.key);
  }

  /**
   * Takes in what has been stored up to now, and signs the root of all of it.
   * @returns the newest checkpoint; undefined while the store is empty
   * @throws StoreUnavailable
   */
  async seal(): Promise<Checkpoint | undefined> {
    const head = await this.store.head();
    for (;;) {
      const { position } = await this.extend(true);
      if (position >= head || (await this.nothingAfter(position))) return this.newest();
    }
  }

  /** Takes in the next events. @param seal whether to sign even when it is not yet time */
  async extend(seal = false): Promise<{ position: bigint; more: boolean }> {
    const client = await this.database.pool.connect().catch((error: unknown) => {
      throw unavailable(error);
    });
    let broken = true;
    try {
      await client.query('BEGIN');
      const { rows } = await client.query<TreeRow>('SELECT * FROM audit.tree FOR UPDATE');
      const row = rows[0] as TreeRow;
      const growth = await this.grown(row, seal);
      if (growth.leaves.length > 0) {
        const { heads, digests } = packed(growth.leaves);
        await client.query(
          'INSERT INTO audit.leaves (first, heads, digests, peaks) VALUES ($1, $2, $3, $4)',
          [row.size, heads, digests, row.peaks],
        );
      }
      for (const checkpoint of growth.checkpoints) {
        if (!this.known) {
          const { publicKey } = this;
          await client.query('INSERT INTO audit.keys VALUES ($1, $2) ON CONFLICT DO NOTHING', [
            keyIdOf(publicKey),
            publicKey,
          ]);
        }
        await client.query('INSERT INTO audit.checkpoints VALUES ($1, $2, $3)', [
          checkpoint.size,
          checkpoint.position,
          JSON.stringify(checkpoint),
        ]);
      }
      const { tree, position } = growth;
      const sealed = growth.checkpoints.at(-1)?.size ?? Number(row.sealed);
      if (growth.leaves.length + growth.checkpoints.length > 0) {
        await client.query(
          `UPDATE audit.tree SET size = $1, position = $2, peaks = $3, sealed = $4,
             sealed_at = CASE WHEN sealed < $4 THEN now() ELSE sealed_at END`,
          [tree.size, position.toString(), packedPeaks(tree), sealed],
        );
      }
      await client.query('COMMIT');
      this.known ||= growth.checkpoints.length > 0;
      broken = false;
      return { position, more: growth.leaves.length === mostAtOnce };
    } catch (error) {
      throw unavailable(error);
    } finally {
      client.release(broken);
    }
  }

  /** The public keys of all checkpoints, oldest first. @throws StoreUnavailable */
  async keys(): Promise<{ id: string; public_key: string; current: boolean }[]> {
    const current = { id: keyIdOf(this.publicKey), public_key: this.publicKey };
    const rows = await this.database.query<{ id: string; public_key: string }>(
      'SELECT id, public_key FROM audit.keys ORDER BY created_at, id',
    );
    const all = rows.some(({ id }) => id === current.id) ? rows : [...rows, current];
    return all.map((key) => ({ ...key, current: key.id === current.id }));
  }

  private async grown(row: TreeRow, seal: boolean) {
    const tree = treeOf(Number(row.size), row.peaks);
    let position = BigInt(row.position);
    let sealed = Number(row.sealed);
    const leaves: Leaf[] = [];
    const checkpoints: Checkpoint[] = [];
    const mark = (): void => {
      checkpoints.push(this.checkpoint(tree, position));
      sealed = tree.size;
    };
    for await (const event of this.store.readDigests({ after: position, limit: mostAtOnce })) {
      const leaf = { head: eventHead(tree.size, event), digest: event.digest };
      ({ position } = event);
      leaves.push(leaf);
      tree.add(leafOf(leaf.head, leaf.digest));
      if (tree.size - sealed >= sealEvery.events) mark();
    }
    const due = seal || Date.now() - row.sealed_at.getTime() >= sealEvery.ms;
    if (due && tree.size > sealed) mark();
    return { tree, position, leaves, checkpoints };
  }

  private checkpoint(tree: MerkleTree, position: bigint): Checkpoint {
    return this.sign(checkpointKind, {
      size: tree.size,
      position: position.toString(),
      root: tree.root().toString('hex'),
      at: new Date().toISOString(),
    });
  }

  private async newest(): Promise<Checkpoint | undefined> {
    const [row] = await this.database.query<{ line: string }>(
      'SELECT line FROM audit.checkpoints ORDER BY size DESC LIMIT 1',
    );
    return row && (JSON.parse(row.line) as Checkpoint);
  }

  /** What stood at the end may have been removed. */
  private async nothingAfter(after: bigint): Promise<boolean> {
    for await (const _ of this.store.readAll({ after, limit: 1 })) return false;
    return true;
  }
}

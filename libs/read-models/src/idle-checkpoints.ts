import type { Database } from './database.js';
import { clockChannel } from './read-model-clock.js';

/** Checkpoints that moved without a row are stored this often, in milliseconds. */
const storeEvery = 60;

/**
 * Stores how far the projections of this process have come where nothing was for them, or nothing that they
 * write down: one statement for all of them, so that a projection that has nothing to do costs next to nothing.
 * Each is moved on from anywhere between where this process left it and where it has come: there was nothing in
 * between, whoever has moved it, and whether or not this process has heard what became of its last statement.
 */
export class IdleCheckpoints {
  private readonly stored = new Map<string, bigint>();
  private readonly passed = new Map<string, bigint>();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly database: Database) {}

  /** The projection's checkpoint stands here, stored by its projector. */
  stands(projection: string, position: bigint): void {
    this.stored.set(projection, position);
    this.passed.delete(projection);
  }

  /** Up to here there was nothing more for it. */
  pass(projection: string, position: bigint): void {
    this.passed.set(projection, position);
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      // What could not be stored is stored with what comes next.
      this.store().catch(() => undefined);
    }, storeEvery);
  }

  private async store(): Promise<void> {
    const moves = [...this.passed].map(([name, to]) => ({ name, from: this.stored.get(name) ?? -1n, to }));
    // A row that its projector is writing is left to it.
    const moved = await this.database.prepared<{ name: string; position: string }>(
      'idle checkpoints',
      `WITH at AS (
         SELECT p.name, m.target FROM runledger.projections p
         JOIN unnest($1::text[], $2::bigint[], $3::bigint[]) AS m(name, source, target)
           ON p.name = m.name AND p.build = 'serving'
             AND p.position >= m.source AND p.position < m.target
         FOR UPDATE OF p SKIP LOCKED),
       moved AS (
         UPDATE runledger.projections p SET position = at.target, error = NULL, moved_at = now()
         FROM at WHERE p.name = at.name AND p.build = 'serving' RETURNING p.name, p.position),
       told AS (SELECT pg_notify('${clockChannel}', string_agg(name || ' ' || position, ',')) FROM moved)
       SELECT name, position FROM moved, told`,
      [
        moves.map(({ name }) => name),
        moves.map(({ from }) => from.toString()),
        moves.map(({ to }) => to.toString()),
      ],
    );
    for (const { name, position } of moved) {
      if (this.stored.get(name) !== moves.find((move) => move.name === name)?.from) continue;
      this.stored.set(name, BigInt(position));
      if (this.passed.get(name) === BigInt(position)) this.passed.delete(name);
    }
  }
}

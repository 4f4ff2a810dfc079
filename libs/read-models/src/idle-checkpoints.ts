import type { Database } from './database.js';
import { clockChannel } from './read-model-clock.js';

/** Checkpoints that moved without a row are stored this often, in milliseconds. */
const storeEvery = 60;

interface Place {
  readonly name: string;
  readonly position: string;
}

/**
 * Stores how far the projections of this process have come where nothing was for them, or nothing that they
 * write down: one statement for all of them, so that a projection that has nothing to do costs next to nothing.
 * Each is moved on from anywhere between where this process left it and where it has come: there was nothing in
 * between, whoever has moved it, and whether or not this process has heard what became of its last statement.
 * One that could not be moved is tried again until it is there, or its projector is gone.
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
    this.storeSoon();
  }

  /** Its projector leads no longer. */
  leaves(projection: string): void {
    this.stored.delete(projection);
    this.passed.delete(projection);
  }

  /** One statement at a time: each leaves out the rows that another one holds. */
  private storeSoon(): void {
    this.timer ??= setTimeout(() => {
      void this.store()
        .catch(() => undefined)
        .finally(() => {
          this.timer = undefined;
          if (this.passed.size > 0) this.storeSoon();
        });
    }, storeEvery);
  }

  private async store(): Promise<void> {
    const moves = [...this.passed].map(([name, to]) => ({ name, from: this.stored.get(name) ?? -1n, to }));
    if (moves.length === 0) return;
    // A row that its projector is writing is left to it.
    const places = await this.database.prepared<Place>(
      'idle checkpoints',
      `WITH wanted AS (
         SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS m(name, source, target)),
       at AS (
         SELECT p.name, m.target FROM runledger.projections p
         JOIN wanted m ON p.name = m.name AND p.build = 'serving'
           AND p.position >= m.source AND p.position < m.target
         FOR UPDATE OF p SKIP LOCKED),
       moved AS (
         UPDATE runledger.projections p SET position = at.target, error = NULL, moved_at = now()
         FROM at WHERE p.name = at.name AND p.build = 'serving' RETURNING p.name, p.position),
       told AS (SELECT pg_notify('${clockChannel}', string_agg(name || ' ' || position, ',')) FROM moved HAVING count(*) > 0)
       SELECT p.name, coalesce(moved.position, p.position) AS position FROM runledger.projections p
       JOIN wanted USING (name) LEFT JOIN moved USING (name) LEFT JOIN told ON true WHERE p.build = 'serving'`,
      [
        moves.map(({ name }) => name),
        moves.map(({ from }) => from.toString()),
        moves.map(({ to }) => to.toString()),
      ],
    );
    const now = new Map(places.map(({ name, position }) => [name, BigInt(position)]));
    for (const { name, from, to } of moves) {
      const position = now.get(name);
      // Its projector has stored another place meanwhile.
      if (this.stored.get(name) !== (from === -1n ? undefined : from)) continue;
      // It is held by another one.
      if (position !== undefined && position >= from && position < to) continue;
      if (position === to) this.stored.set(name, to);
      if (this.passed.get(name) === to) this.passed.delete(name);
    }
  }
}

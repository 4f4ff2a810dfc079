import type { Due } from './planner.js';
import type { RetentionKind } from './retention.events.js';
import type { SweepBatch } from './sweep.events.js';

const mostRemovals = 100;
const mostPieces = 500;

interface Gathered {
  readonly batch: Omit<SweepBatch, 'number' | 'removals'> & { removals: SweepBatch['removals'][number][] };
  pieces: number;
}

/** Puts what one rule says together, as much as may be removed at once; the order of one subject's stays. */
export async function* batches(
  kind: RetentionKind,
  due: AsyncIterable<Due>,
): AsyncGenerator<Omit<SweepBatch, 'number'>> {
  const gathered = new Map<string, Gathered>();
  for await (const { removal, rule, pieces } of due) {
    const { scope, limits } = rule;
    const known = gathered.get(scope) ?? { batch: { kind, scope, limits, removals: [] }, pieces: 0 };
    gathered.set(scope, known);
    known.batch.removals.push(removal);
    known.pieces += pieces;
    if (known.pieces < mostPieces && known.batch.removals.length < mostRemovals) continue;
    gathered.delete(scope);
    yield known.batch;
  }
  for (const { batch } of gathered.values()) yield batch;
}

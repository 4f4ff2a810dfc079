import type { Due } from './planner.js';
import type { RetentionKind } from './retention.events.js';
import type { SweepBatch } from './sweep.events.js';

const mostRemovals = 50;
const mostPieces = 250;

/** Puts what one rule says together, as much as may be removed at once; the order of one subject's stays. */
export async function* batches(
  kind: RetentionKind,
  due: AsyncIterable<Due>,
): AsyncGenerator<Omit<SweepBatch, 'number'>> {
  const gathered = new Map<string, Omit<SweepBatch, 'number'>>();
  for await (const { removal, rule, pieces } of due) {
    const { scope, limits } = rule;
    const known = gathered.get(scope) ?? { kind, scope, limits, pieces: 0, removals: [] };
    const batch = { ...known, pieces: known.pieces + pieces, removals: [...known.removals, removal] };
    const full = batch.pieces >= mostPieces || batch.removals.length === mostRemovals;
    if (full) {
      gathered.delete(scope);
      yield batch;
    } else gathered.set(scope, batch);
  }
  yield* gathered.values();
}

import { type ExpectedRevision, RevisionConflict } from './event-store.js';

/**
 * Appends that were refused or failed, as long as somebody may not have heard of it: what expects the revision
 * that one of them would have left was decided on a state that never was, and falls too. Were it not for that, it
 * would be stored behind another writer's event of that revision.
 */
export class Fallen {
  private readonly revisions = new Set<string>();

  /** @param count of the events of the append */
  add(stream: string, expected: ExpectedRevision, count: number): void {
    const left = revisionAfter(expected, count);
    if (left === undefined) return;
    const name = nameOf(stream, left);
    this.revisions.add(name);
    // Who waits for the append hears of its end by promises alone, which come before.
    process.nextTick(() => this.revisions.delete(name));
  }

  has(stream: string, expected: ExpectedRevision): boolean {
    return this.revisions.size > 0 && this.revisions.has(nameOf(stream, expected));
  }

  /** Carries out an append when all before it on the stream have ended. @throws RevisionConflict when it falls with one */
  async append<Result>(
    stream: string,
    expected: ExpectedRevision,
    count: number,
    store: () => Promise<Result>,
  ): Promise<Result> {
    try {
      if (this.has(stream, expected)) throw new RevisionConflict(stream, expected);
      return await store();
    } catch (error) {
      this.add(stream, expected, count);
      throw error;
    }
  }
}

/** The revision that an append leaves; undefined when that depends on what it finds. */
export function revisionAfter(expected: ExpectedRevision, count: number): number | undefined {
  if (expected === 'none') return count - 1;
  return typeof expected === 'number' ? expected + count : undefined;
}

const nameOf = (stream: string, expected: ExpectedRevision): string => `${expected} ${stream}`;

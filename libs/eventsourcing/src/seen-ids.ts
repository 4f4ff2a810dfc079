const atOnce = 64;

/** The ids that callers gave to events of a run, and the sequence numbers these have. Never changed: `with` answers a new one. */
export class SeenIds {
  static readonly none = new SeenIds([], new Map());

  private constructor(
    private readonly older: readonly ReadonlyMap<string, number>[],
    private readonly newest: ReadonlyMap<string, number>,
  ) {}

  get size(): number {
    return this.older.length * atOnce + this.newest.size;
  }

  sequenceOf(id: string): number | undefined {
    const newest = this.newest.get(id);
    if (newest !== undefined) return newest;
    for (const ids of this.older) {
      const sequence = ids.get(id);
      if (sequence !== undefined) return sequence;
    }
    return undefined;
  }

  with(id: string, sequence: number): SeenIds {
    const newest = new Map(this.newest).set(id, sequence);
    return newest.size < atOnce
      ? new SeenIds(this.older, newest)
      : new SeenIds([...this.older, newest], new Map());
  }

  /** Not for the record: the stream tells it. */
  toJSON(): undefined {
    return undefined;
  }
}

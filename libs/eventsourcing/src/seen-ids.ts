const atOnce = 64;

/** The ids that callers gave to events of a run, and the sequence numbers these have. Never changed: `with` answers a new one. */
export class SeenIds {
  static readonly none = new SeenIds([], new Map());

  private constructor(
    private readonly older: readonly ReadonlyMap<string, number>[],
    private readonly latest: ReadonlyMap<string, number>,
  ) {}

  /** @param ids the oldest first */
  static of(ids: readonly (readonly [id: string, sequence: number])[]): SeenIds {
    const full = Math.floor(ids.length / atOnce) * atOnce;
    const older: Map<string, number>[] = [];
    for (let n = 0; n < full; n += atOnce) older.push(new Map(ids.slice(n, n + atOnce)));
    return new SeenIds(older, new Map(ids.slice(full)));
  }

  get size(): number {
    return this.older.length * atOnce + this.latest.size;
  }

  sequenceOf(id: string): number | undefined {
    const latest = this.latest.get(id);
    if (latest !== undefined) return latest;
    for (const ids of this.older) {
      const sequence = ids.get(id);
      if (sequence !== undefined) return sequence;
    }
    return undefined;
  }

  with(id: string, sequence: number): SeenIds {
    const latest = new Map(this.latest).set(id, sequence);
    return latest.size < atOnce
      ? new SeenIds(this.older, latest)
      : new SeenIds([...this.older, latest], new Map());
  }

  /** The newest so many, the newest last. */
  newest(most: number): [id: string, sequence: number][] {
    return [...this.older, this.latest].flatMap((ids) => [...ids]).slice(-most);
  }

  /** Not for the record: the stream tells it. */
  toJSON(): undefined {
    return undefined;
  }
}

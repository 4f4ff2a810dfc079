/** Lets one at a time do its work, in the order in which they came. */
export class Turn {
  private last: Promise<unknown> = Promise.resolve();

  /** What `work` throws, it throws; the next one has its turn all the same. */
  take<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.last.then(work);
    this.last = mine.catch(() => undefined);
    return mine;
  }
}

/** A turn for each name. One that nobody takes or waits for is forgotten. */
export class Turns {
  private readonly last = new Map<string, Promise<unknown>>();

  /** As `Turn.take`, among those of one name. */
  take<T>(name: string, work: () => Promise<T>): Promise<T> {
    const mine = (this.last.get(name) ?? Promise.resolve()).then(work);
    const leave = (): void => {
      if (this.last.get(name) === over) this.last.delete(name);
    };
    const over = mine.then(leave, leave);
    this.last.set(name, over);
    return mine;
  }
}

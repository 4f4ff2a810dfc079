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

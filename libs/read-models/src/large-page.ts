/** A page that is no larger is read beside all others, in bytes; about. */
const beside = 512 * 1024;

let last: Promise<void> = Promise.resolve();

/**
 * Bounds what pages take of memory while they are read: those that have become large are gone on with one after the
 * other, which takes no longer, as one process puts all of them together.
 */
export class LargePage {
  private leave: (() => void) | undefined;

  /** To be awaited when more is to be read. @param size what has been read, in bytes; about */
  grown(size: number): Promise<void> | undefined {
    if (size <= beside || this.leave !== undefined) return undefined;
    const before = last;
    last = new Promise((resolve) => (this.leave = resolve));
    return before;
  }

  /** To be called when nothing more is read, whatever has happened. */
  end(): void {
    this.leave?.();
  }
}

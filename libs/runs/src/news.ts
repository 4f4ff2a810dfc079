/** Lets one claim wait for what arrives; what arrives while it does not wait is not lost. */
export class News {
  private any = false;
  private wake: (() => void) | undefined;

  /** @param ends there is nothing to wait for once one of them is aborted */
  constructor(private readonly ends: readonly AbortSignal[]) {}

  get over(): boolean {
    return this.ends.some(({ aborted }) => aborted);
  }

  arrived(): void {
    this.any = true;
    this.wake?.();
  }

  /** Resolves when something has arrived since the last time, when it is over, or when the time is up. */
  async wait(milliseconds: number): Promise<void> {
    if (!this.any && !this.over) {
      await new Promise<void>((resolve) => {
        const done = (): void => {
          clearTimeout(timer);
          for (const end of this.ends) end.removeEventListener('abort', done);
          resolve();
        };
        const timer = setTimeout(done, milliseconds);
        for (const end of this.ends) end.addEventListener('abort', done);
        this.wake = done;
      });
    }
    this.wake = undefined;
    this.any = false;
  }
}

/** Lets many wait until something holds that changes on certain occasions only. */
export class Occasions {
  private readonly waiting = new Set<News>();

  /** @param end nobody waits any longer once it is aborted */
  constructor(private readonly end: AbortSignal) {}

  happened(): void {
    for (const news of this.waiting) news.arrived();
  }

  /** @returns false when it does not hold in time */
  async until(holds: () => boolean, milliseconds: number): Promise<boolean> {
    const deadline = Date.now() + milliseconds;
    const news = new News([this.end]);
    this.waiting.add(news);
    try {
      while (!holds()) {
        const left = deadline - Date.now();
        if (left <= 0 || news.over) return false;
        await news.wait(left);
      }
      return true;
    } finally {
      this.waiting.delete(news);
    }
  }
}

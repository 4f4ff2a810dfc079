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

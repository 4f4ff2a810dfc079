/** Deliveries that fall due by time are looked for this often, in milliseconds. */
const longestMs = 1_000;

/** A pause that ends when there is something to do, at the latest after a second. */
export class Rest {
  private over = false;
  private rouse: () => void = () => undefined;

  /** Resolves at once when its end came before it began. */
  async begin(): Promise<void> {
    if (!this.over) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, longestMs);
        this.rouse = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.over = false;
  }

  end(): void {
    this.over = true;
    this.rouse();
  }
}

import type { Batch, RecordedEvent } from '#eventsourcing';

/** A member holds at most this many events, or pages, before it must take them. */
const mostEvents = 10_000;
const mostPages = 2;

/** One who is fed by a shared reading: gathers what is for it while it is busy. */
export class ReadingMember {
  private events: RecordedEvent[] = [];
  private pages = 0;
  private caughtUp = false;
  /** There is something to say. */
  private news = false;
  private over = false;
  private failure: Error | undefined;
  private wake: (() => void) | undefined;
  /** Called when it has taken something, or wants something. */
  tell: () => void = () => undefined;

  /** @param position everything up to here it has, or has been given */
  constructor(
    readonly prefixes: readonly string[],
    public position: bigint,
    private readonly signal: AbortSignal,
  ) {}

  get waiting(): boolean {
    return this.wake !== undefined;
  }

  get full(): boolean {
    return this.pages >= mostPages || this.events.length >= mostEvents;
  }

  give(batch: Batch): void {
    const before = this.events.length;
    for (const event of batch.events) {
      if (event.position > this.position && this.wants(event)) this.events.push(event);
    }
    if (this.events.length > before) this.pages++;
    if (batch.position > this.position) this.position = batch.position;
    this.caughtUp = batch.caughtUp;
    // That there was nothing for it is worth no word before the end.
    if (this.events.length > 0 || batch.caughtUp) this.inform();
  }

  /** It has come to a reading that has nothing more for it now. */
  caughtUpAlready(): void {
    this.caughtUp = true;
    this.inform();
  }

  /** It gets no more here than it has been given. */
  dismiss(): void {
    this.over = true;
    this.wake?.();
  }

  fail(error: unknown): void {
    this.failure = error instanceof Error ? error : new Error('the reading failed', { cause: error });
    this.dismiss();
  }

  /** All that it was given since the last time; waits for something. Undefined when it gets no more here. */
  async next(): Promise<Batch | undefined> {
    while (!this.news && !this.over && !this.signal.aborted) await this.something();
    if (this.signal.aborted) return undefined;
    if (this.news) {
      const batch = { events: this.events, position: this.position, caughtUp: this.caughtUp };
      this.events = [];
      this.pages = 0;
      this.news = false;
      this.tell();
      return batch;
    }
    if (this.failure !== undefined) throw this.failure;
    return undefined;
  }

  private something(): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.wake = undefined;
        this.signal.removeEventListener('abort', wake);
        resolve();
      };
      this.wake = wake;
      this.signal.addEventListener('abort', wake);
      this.tell();
    });
  }

  private inform(): void {
    this.news = true;
    this.wake?.();
  }

  private wants({ stream }: RecordedEvent): boolean {
    return this.prefixes.some((prefix) => stream.startsWith(prefix));
  }
}

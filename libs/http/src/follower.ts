import { type EventStream, frame } from './event-stream.js';

/** What a follower writes next. */
export interface Piece {
  readonly frames: string;
  /** Whether there is more to read at once. */
  readonly more: boolean;
  /** Whether nothing will ever follow. */
  readonly end: boolean;
}

/**
 * Reads piece after piece from wherever the truth is, as fast as its client does, then waits to be woken.
 * No more than a piece is held for a client that does not read: it is read again from the place it has come to.
 */
export abstract class Follower {
  private reading = false;
  private woken = false;

  constructor(protected readonly stream: EventStream) {}

  /** What stands behind the place that this has come to. */
  protected abstract next(): Promise<Piece>;

  /** What a quiet stream is told, lest the connection be taken for dead. */
  protected keepalive(): string {
    return ': keepalive\n\n';
  }

  /** Whether what has just happened may be written at once. */
  protected get idle(): boolean {
    return !this.reading && !this.stream.full && this.stream.open;
  }

  /** There may be more. */
  wake(): void {
    this.goOn();
  }

  /** @param quietMs how long a stream may be quiet */
  tick(now: number, quietMs: number): void {
    if (this.stream.quietFor(now) < quietMs) return;
    if (this.stream.full || !this.stream.open) this.stream.cut();
    else if (!this.reading) this.stream.write(this.keepalive());
  }

  /** Asks for the next piece, once the one before is written. */
  protected goOn(): void {
    this.woken = true;
    if (!this.reading) void this.read();
  }

  protected write(frames: string): void {
    this.stream.write(frames);
  }

  protected finish(): void {
    this.stream.write(frame('end', {}));
    this.stream.end();
  }

  private async read(): Promise<void> {
    this.reading = true;
    try {
      while (this.woken && this.stream.open) {
        this.woken = false;
        await this.stream.drained();
        const { frames, more, end } = await this.next();
        if (frames !== '') this.write(frames);
        if (end) this.finish();
        this.woken ||= more;
      }
    } catch {
      // The client comes back, and goes on from the id it has.
      this.stream.cut();
    } finally {
      this.reading = false;
    }
  }
}

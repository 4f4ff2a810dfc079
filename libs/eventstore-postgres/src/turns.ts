import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';

/** So long nothing more is appended to a stream that another process asked for, in milliseconds. */
const turnMs = 30;

/**
 * Turns of processes that append to the same stream. Who does so without a pause has always stored something before
 * another has read, decided and appended: that one would never be in time. Asked for a turn, it makes a pause.
 */
export class Turns {
  private readonly asked = new Set<string>();
  private readonly given = new Map<string, Promise<void>>();

  /** @param tell has the other processes give a turn, by its key */
  constructor(private readonly tell: (key: string) => void) {}

  ask(stream: string): void {
    const key = keyOf(stream);
    if (this.asked.has(key)) return;
    this.asked.add(key);
    setTimeout(() => this.asked.delete(key), turnMs).unref();
    this.tell(key);
  }

  give(key: string): void {
    if (!this.given.has(key))
      this.given.set(
        key,
        pause(turnMs).then(() => void this.given.delete(key)),
      );
  }

  /** The turn of another process, if there is one now: resolves when it is over. */
  ofOthers(stream: string): Promise<void> | undefined {
    return this.given.size === 0 ? undefined : this.given.get(keyOf(stream));
  }
}

/** Short, whatever the stream is called. */
const keyOf = (stream: string): string => createHash('sha1').update(stream).digest('base64url');

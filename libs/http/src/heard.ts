import type { Placed } from './placed.js';

/** What is held costs something even where nothing of it is written: characters. */
const least = 64;

/**
 * What a follower was told of its feed while it could not write it: the next of it in order, without a gap, up to
 * a size. All who follow a feed hold the same objects.
 */
export class Heard<Event extends object> {
  private queue: Placed<Event>[] = [];
  /** The place behind which the first of the queue stands, and the place of the last. */
  private from = 0;
  private to = 0;
  private size = 0;

  /** @param most how much is held, in characters */
  constructor(private readonly most: number) {}

  get empty(): boolean {
    return this.queue.length === 0;
  }

  /**
   * @param from the place behind which these stand, none missing
   * @returns whether all of them are held
   */
  add(placed: readonly Placed<Event>[], from: number): boolean {
    if (this.empty) {
      this.from = this.to = from;
      this.size = 0;
    }
    // What stands behind a gap is of no use before that is filled.
    if (from > this.to) return false;
    for (const one of placed) {
      if (one.place <= this.to) continue;
      if (this.size >= this.most) return false;
      this.queue.push(one);
      this.to = one.place;
      this.size += least + one.size;
    }
    return placed.length > 0;
  }

  /** Takes out what stands next behind a place, if it is known that nothing stands between. */
  next(place: number): Placed<Event> | undefined {
    let gone = 0;
    for (const one of this.queue) {
      if (one.place > place) break;
      this.from = one.place;
      gone++;
    }
    if (gone > 0) this.queue.splice(0, gone);
    return this.from > place ? undefined : this.queue.shift();
  }
}

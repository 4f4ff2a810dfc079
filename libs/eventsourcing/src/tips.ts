import { LRUCache } from 'lru-cache';
import type { Decider } from './decider.js';
import type { Fact, RecordedEvent } from './event.js';
import type { ReadStreamOptions } from './event-store.js';

/** Where a stream will end when what this process has appended is stored. */
export interface Tip {
  state: unknown;
  revision: number;
  /** The newest append on its way, or done. */
  pending: Promise<unknown>;
  bytes: number;
}

/** What is `pending` where nothing has been appended since the stream was read. */
export const settled: Promise<unknown> = Promise.resolve();
const cacheBytes = 64 * 1024 * 1024;

/** The ends of the streams that this process met last, as far as memory goes. */
export class Tips {
  private readonly known = new LRUCache<string, Tip>({
    maxSize: cacheBytes,
    sizeCalculation: (tip) => tip.bytes,
  });

  constructor(
    private readonly read: (stream: string, options?: ReadStreamOptions) => AsyncGenerator<RecordedEvent>,
  ) {}

  get(stream: string): Tip | undefined {
    return this.known.get(stream);
  }

  /** Lets a tip be what an append will leave. */
  move<State, F extends Fact>(
    decider: Decider<State, F>,
    stream: string,
    tip: Tip,
    to: { readonly state: State; readonly revision: number; readonly pending: Promise<unknown> },
  ): void {
    Object.assign(tip, to);
    const bytes = weight(decider, to.state);
    if (bytes === tip.bytes) return;
    tip.bytes = bytes;
    this.known.set(stream, tip);
  }

  /**
   * The tip as the store confirms it: its tail has been read, or an append of this process has just
   * succeeded on it.
   */
  async refreshed<State, F extends Fact>(decider: Decider<State, F>, stream: string): Promise<Tip> {
    for (;;) {
      const known = this.known.get(stream);
      const pending = known?.pending;
      try {
        await pending;
      } catch {
        if (known !== undefined) this.forget(stream, known);
      }
      if (this.known.get(stream) !== known) continue;
      if (known?.pending !== pending) return known as Tip;
      const from = known === undefined ? 0 : known.revision + 1;
      let state = known === undefined ? decider.initial : (known.state as State);
      let revision = from - 1;
      const events = known === undefined ? this.fromOrigin(decider, stream) : this.read(stream, { from });
      for await (const event of events) {
        state = decider.evolve(state, event as Fact as F, event);
        revision = event.revision;
      }
      const now = this.known.get(stream);
      if (now !== undefined && (now !== known || now.pending !== pending)) return now;
      if (now !== known) continue;
      if (known !== undefined && revision === known.revision) return known;
      const tip = { state, revision, pending: settled, bytes: weight(decider, state) };
      this.known.set(stream, tip);
      return tip;
    }
  }

  /** The events that make the state of a stream: all, or those from its last origin on. */
  private async *fromOrigin<State, F extends Fact>(
    { isOrigin }: Decider<State, F>,
    stream: string,
  ): AsyncGenerator<RecordedEvent> {
    if (isOrigin === undefined) {
      yield* this.read(stream);
      return;
    }
    const newest: RecordedEvent[] = [];
    for await (const event of this.read(stream, { direction: 'backwards' })) {
      newest.push(event);
      if (isOrigin(event as Fact as F)) break;
    }
    yield* newest.toReversed();
  }

  /** For a stream whose name has just been minted: there is nothing to read. */
  assumeEmpty<State, F extends Fact>(decider: Decider<State, F>, stream: string): void {
    const { initial: state } = decider;
    this.known.set(stream, { state, revision: -1, pending: settled, bytes: weight(decider, state) });
  }

  /** What was decided on it has fallen, or will; the stream is read again. */
  forget(stream: string, tip: Tip): void {
    if (this.known.get(stream) === tip) this.known.delete(stream);
  }
}

const weight = <State, F extends Fact>(decider: Decider<State, F>, state: State): number =>
  512 + (decider.weigh?.(state) ?? 0);

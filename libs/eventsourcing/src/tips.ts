import { LRUCache } from 'lru-cache';
import type { Decider } from './decider.js';
import type { Fact } from './event.js';
import { type Confirmed, empty, FirstReads, foldOn, type Place, type ReadStream } from './first-reads.js';
import type { Snapshots } from './snapshots.js';

/** Where a stream will end when what this process has appended is stored. */
export interface Tip {
  state: unknown;
  revision: number;
  /** What the stream is known to have had: should what follows fall, it is read on from here. */
  base: Confirmed<unknown>;
  /** Something has fallen: it must be read on before anything is decided. */
  stale: boolean;
  /** The newest append on its way, or done: where it ends, as the newest event that was read. */
  pending: Promise<Place>;
  bytes: number;
  /** Revision of the newest snapshot that this process knows of, -1 when it knows none. */
  kept: number;
  /** When the store was last asked what the stream has; milliseconds since 1970. */
  readAt: number;
}

const unread = { revision: -1, pending: Promise.resolve(empty) };
const cacheBytes = 64 * 1024 * 1024;
/** The ends of the streams that this process met last, as far as memory goes. */
export class Tips {
  private readonly known = new LRUCache<string, Tip>({
    maxSize: cacheBytes,
    sizeCalculation: (tip) => tip.bytes,
  });

  /** Of streams that are read from their beginning now: whoever wants one meanwhile waits for it, and reads on. */
  private readonly firstReads = new Map<string, Promise<unknown>>();

  private readonly firsts: FirstReads;

  constructor(
    private readonly read: ReadStream,
    snapshots: Snapshots,
  ) {
    this.firsts = new FirstReads(read, snapshots);
  }

  get(stream: string): Tip | undefined {
    const tip = this.known.get(stream);
    return tip?.stale === true ? undefined : tip;
  }

  /** Lets a tip be what an append will leave. */
  move<State, F extends Fact>(
    decider: Decider<State, F>,
    stream: string,
    tip: Tip,
    to: { readonly state: State; readonly revision: number; readonly pending: Promise<Place> },
  ): void {
    Object.assign(tip, to);
    const bytes = weight(decider, to.state);
    if (bytes === tip.bytes) return;
    tip.bytes = bytes;
    if (this.known.get(stream) === tip) this.known.set(stream, tip);
  }

  /**
   * The state of a stream as the store confirms it: its tail is read after all that this process had appended
   * by now is stored. What is appended meanwhile may not be in it.
   */
  async confirmed<State, F extends Fact>(
    decider: Decider<State, F>,
    stream: string,
  ): Promise<Confirmed<State>> {
    for (;;) {
      const known = this.known.get(stream);
      const first = known === undefined ? this.firstReads.get(stream) : undefined;
      if (first !== undefined) {
        // Then its tail alone is left to read.
        await first;
        continue;
      }
      const read = this.readOn(decider, stream, known);
      if (known === undefined) this.firstReads.set(stream, read);
      try {
        const confirmed = await read;
        if (confirmed !== undefined) return confirmed;
      } finally {
        if (known === undefined) this.firstReads.delete(stream);
      }
    }
  }

  /** What a known stream, or an unknown one from its beginning, has come to; undefined when others moved it before. */
  private async readOn<State, F extends Fact>(
    decider: Decider<State, F>,
    stream: string,
    known: Tip | undefined,
  ): Promise<Confirmed<State> | undefined> {
    // Others may move it while we wait.
    const { state: start, revision: base, pending } = known ?? { ...unread, state: decider.initial };
    let position: bigint | undefined;
    try {
      ({ position } = await pending);
    } catch {
      if (known !== undefined) this.fallBack(stream, known);
    }
    if (this.known.get(stream) !== known) return undefined;
    const found =
      known === undefined
        ? await this.firsts.read(decider, stream)
        : await foldOn(
            decider,
            { state: start as State, revision: base, position, kept: known.kept },
            this.read(stream, { from: base + 1 }),
          );
    const now = this.known.get(stream);
    if (now === known && (now === undefined || now.pending === pending)) {
      if (now === undefined || now.stale || found.revision !== base) this.keep(decider, stream, found);
      else now.readAt = Date.now();
    }
    return found;
  }

  /** What to append to, behind a confirmed state; undefined when the known tip has moved on from there. */
  at<State, F extends Fact>(
    decider: Decider<State, F>,
    stream: string,
    confirmed: Confirmed<State>,
  ): Tip | undefined {
    const known = this.known.get(stream);
    if (known === undefined) return this.keep(decider, stream, confirmed);
    return known.state === confirmed.state && known.revision === confirmed.revision ? known : undefined;
  }

  /**
   * What was appended behind a tip is stored.
   * @param eventId of the last event of it
   */
  stored<State, F extends Fact>(
    decider: Decider<State, F>,
    stream: string,
    tip: Tip,
    base: Confirmed<State>,
    eventId: string,
  ): void {
    tip.base = base;
    if (this.firsts.keep(decider, stream, base, eventId, tip)) tip.kept = base.revision;
  }

  /** For a stream whose name has just been minted: there is nothing to read. */
  assumeEmpty<State, F extends Fact>(decider: Decider<State, F>, stream: string): void {
    this.keep(decider, stream, { state: decider.initial, ...empty });
  }

  /** What was decided on it has fallen, or will: the stream is read on from where it is known to have been. */
  fallBack(stream: string, tip: Tip): void {
    if (this.known.get(stream) !== tip) return;
    const { base } = tip;
    const { state, revision } = base;
    if (revision === -1) this.known.delete(stream);
    else this.known.set(stream, { ...tip, state, revision, pending: Promise.resolve(base), stale: true });
  }

  /** It is not what was believed; the stream is read again. */
  forget(stream: string, tip: Tip): void {
    if (this.known.get(stream) === tip) this.known.delete(stream);
  }

  private keep<State, F extends Fact>(
    decider: Decider<State, F>,
    stream: string,
    confirmed: Confirmed<State> & { readonly kept?: number },
  ): Tip {
    const tip = tipOf(decider, confirmed);
    this.known.set(stream, tip);
    return tip;
  }
}

const tipOf = <State, F extends Fact>(
  decider: Decider<State, F>,
  confirmed: Confirmed<State> & { readonly kept?: number },
): Tip => ({
  state: confirmed.state,
  revision: confirmed.revision,
  base: confirmed,
  stale: false,
  pending: Promise.resolve(confirmed),
  bytes: weight(decider, confirmed.state),
  kept: confirmed.kept ?? -1,
  readAt: Date.now(),
});

const weight = <State, F extends Fact>(decider: Decider<State, F>, state: State): number =>
  512 + (decider.weigh?.(state) ?? 0);

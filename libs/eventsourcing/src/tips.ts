import { LRUCache } from 'lru-cache';
import type { Decider } from './decider.js';
import type { Fact, RecordedEvent } from './event.js';
import type { ReadStreamOptions } from './event-store.js';
import type { Snapshots } from './snapshots.js';

/** Position of the last event of a stream; undefined while there is none. */
interface Place {
  readonly position: bigint | undefined;
}

/** A state that the store had. */
export interface Confirmed<State> extends Place {
  readonly state: State;
  readonly revision: number;
}

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

const empty = { revision: -1, position: undefined };
const unread = { revision: -1, pending: Promise.resolve(empty) };
const cacheBytes = 64 * 1024 * 1024;
/** Snapshots are the further apart the larger the state is, in bytes per event: what they take stays small beside the events. */
const bytesPerEvent = 400;

/** The ends of the streams that this process met last, as far as memory goes. */
export class Tips {
  private readonly known = new LRUCache<string, Tip>({
    maxSize: cacheBytes,
    sizeCalculation: (tip) => tip.bytes,
  });

  /** Of streams that are read from their beginning now: whoever wants one meanwhile waits for it, and reads on. */
  private readonly firstReads = new Map<string, Promise<unknown>>();

  constructor(
    private readonly read: (stream: string, options?: ReadStreamOptions) => AsyncGenerator<RecordedEvent>,
    private readonly snapshots: Snapshots,
  ) {}

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
    const kept = known === undefined ? await this.restored(decider, stream) : undefined;
    let state = kept?.state ?? (start as State);
    let revision = kept?.revision ?? base;
    position = kept?.position ?? position;
    const events =
      revision === -1 ? this.fromOrigin(decider, stream) : this.read(stream, { from: revision + 1 });
    for await (const event of events) {
      state = decider.evolve(state, event as Fact as F, event);
      ({ revision, position } = event);
    }
    const now = this.known.get(stream);
    if (now === known && (now === undefined || now.pending === pending)) {
      if (now === undefined || now.stale || revision !== base)
        this.keep(decider, stream, { state, revision, position }, known?.kept ?? kept?.revision);
      else now.readAt = Date.now();
    }
    return { state, revision, position };
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

  /** The state that was kept of a stream, if it still has the event that this stands behind. */
  private async restored<State, F extends Fact>(
    { snapshot: form }: Decider<State, F>,
    stream: string,
  ): Promise<Confirmed<State> | undefined> {
    const kept = form && (await this.snapshots.load(stream, form.version));
    if (form === undefined || kept === undefined) return undefined;
    for await (const { id, revision, position } of this.read(stream, { from: kept.revision, limit: 1 })) {
      if (id === kept.eventId && revision === kept.revision)
        return { state: form.fromJson(kept.state), revision, position };
    }
    return undefined;
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

  /**
   * What was appended behind a tip is stored.
   * @param eventId of the last event of it
   */
  stored<State, F extends Fact>(
    { snapshot: form }: Decider<State, F>,
    stream: string,
    tip: Tip,
    base: Confirmed<State>,
    eventId: string,
  ): void {
    tip.base = base;
    if (form === undefined) return;
    const { state, revision } = base;
    if (revision - tip.kept < Math.max(form.every, tip.bytes / bytesPerEvent)) return;
    tip.kept = revision;
    this.snapshots.keep(stream, () => ({
      version: form.version,
      revision,
      eventId,
      state: form.toJson(state),
    }));
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
    confirmed: Confirmed<State>,
    kept = -1,
  ): Tip {
    const tip = tipOf(decider, confirmed, kept);
    this.known.set(stream, tip);
    return tip;
  }
}

const tipOf = <State, F extends Fact>(
  decider: Decider<State, F>,
  confirmed: Confirmed<State>,
  kept: number,
): Tip => ({
  state: confirmed.state,
  revision: confirmed.revision,
  base: confirmed,
  stale: false,
  pending: Promise.resolve(confirmed),
  bytes: weight(decider, confirmed.state),
  kept,
  readAt: Date.now(),
});

const weight = <State, F extends Fact>(decider: Decider<State, F>, state: State): number =>
  512 + (decider.weigh?.(state) ?? 0);

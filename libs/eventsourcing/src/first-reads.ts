import type { Decider } from './decider.js';
import type { Fact, RecordedEvent } from './event.js';
import type { ReadStreamOptions } from './event-store.js';
import type { Snapshots } from './snapshots.js';

/** Position of the last event of a stream; undefined while there is none. */
export interface Place {
  readonly position: bigint | undefined;
}

/** A state that the store had. */
export interface Confirmed<State> extends Place {
  readonly state: State;
  readonly revision: number;
}

/** What was read of a stream, and the revision of its newest snapshot, -1 when none is known. */
export interface Read<State> extends Confirmed<State> {
  readonly kept: number;
}

export type ReadStream = (stream: string, options?: ReadStreamOptions) => AsyncGenerator<RecordedEvent>;

export const empty = { revision: -1, position: undefined };
/** Snapshots are the further apart the larger the state is, in bytes per event: what they take stays small beside the events. */
const bytesPerEvent = 400;

/** Reads streams that are not known: as little of each as its state can be had from. */
export class FirstReads {
  constructor(
    private readonly events: ReadStream,
    private readonly snapshots: Snapshots,
  ) {}

  /** An unknown stream: from what was kept of it, if it still has the event that this stands behind. */
  async read<State, F extends Fact>(decider: Decider<State, F>, stream: string): Promise<Read<State>> {
    const { initial, snapshot: form } = decider;
    const kept = form && (await this.snapshots.load(stream, form.version));
    if (form !== undefined && kept !== undefined) {
      const { revision } = kept;
      const events = this.events(stream, { from: revision });
      const { value: event } = (await events.next()) as IteratorResult<RecordedEvent, undefined>;
      if (event?.id === kept.eventId && event.revision === revision) {
        const state = form.fromJson(kept.state);
        return foldOn(decider, { state, revision, position: event.position, kept: revision }, events);
      }
      await events.return(undefined);
    }
    return foldOn(decider, { state: initial, ...empty, kept: -1 }, this.fromOrigin(decider, stream));
  }

  /** The events that make the state of a stream: all, or those from its last origin on. */
  private async *fromOrigin<State, F extends Fact>(
    { isOrigin }: Decider<State, F>,
    stream: string,
  ): AsyncGenerator<RecordedEvent> {
    if (isOrigin === undefined) {
      yield* this.events(stream);
      return;
    }
    const newest: RecordedEvent[] = [];
    for await (const event of this.events(stream, { direction: 'backwards' })) {
      newest.push(event);
      if (isOrigin(event as Fact as F)) break;
    }
    yield* newest.toReversed();
  }

  /**
   * Keeps a state where it is time for that: see `SnapshotForm`.
   * @param eventId of the event behind which the stream has it
   * @param tip how large the state is, and how old the newest snapshot
   * @returns whether it is kept
   */
  keep<State, F extends Fact>(
    { snapshot: form }: Decider<State, F>,
    stream: string,
    { state, revision }: Confirmed<State>,
    eventId: string,
    { bytes, kept }: { readonly bytes: number; readonly kept: number },
  ): boolean {
    if (form === undefined || revision - kept < Math.max(form.every, bytes / bytesPerEvent)) return false;
    this.snapshots.keep(stream, () => ({
      version: form.version,
      revision,
      eventId,
      state: form.toJson(state),
    }));
    return true;
  }
}

/** Folds what comes behind a state. */
export async function foldOn<State, F extends Fact>(
  { evolve }: Decider<State, F>,
  from: Read<State>,
  events: AsyncIterable<RecordedEvent>,
): Promise<Read<State>> {
  let { state, revision, position } = from;
  for await (const event of events) {
    state = evolve(state, event as Fact as F, event);
    ({ revision, position } = event);
  }
  return { state, revision, position, kept: from.kept };
}

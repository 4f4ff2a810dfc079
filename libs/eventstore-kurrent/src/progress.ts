import type { Batch, RecordedEvent } from '#eventsourcing';
import { type Arrival, type Arrivals, Mark } from './arrivals.js';
import { fromStore } from './events.js';

type Phase = 'catching up' | 'live';

/** How far a subscription has come, over all its reconnections. */
export class Progress {
  /** In which way the subscription of the client is open. */
  phase: Phase = 'catching up';
  private announced: Phase = 'catching up';
  private caughtUp = false;
  private passed = 0n;
  /**
   * The server has caught up, and has not told how far: it tells no place behind its last event, and says nothing
   * when a live subscription falls behind (Enumerator.cs). True until it tells of a place by itself.
   */
  vague = false;
  /** Whether the last batch said that the subscriber has caught up. */
  private told = false;

  constructor(private position: bigint) {}

  /** @param head asked before the subscription was opened: once that has caught up, it has passed this position */
  begin(head: bigint): void {
    this.passed = head;
    this.caughtUp = false;
    this.vague = false;
    this.told = false;
    this.announced = this.phase;
  }

  /** Whether the subscriber has been told of everything up to there. */
  isPast(position: bigint): boolean {
    return this.position >= position;
  }

  /** The phase that the server has announced, if that is another one. */
  get nextPhase(): Phase | undefined {
    return this.announced === this.phase ? undefined : this.announced;
  }

  /** What has arrived, up to the size of a batch or a change of phase; undefined when nothing is new. */
  gather(first: Arrival, arrivals: Arrivals, batchSize: number): Batch | undefined {
    const before = this.position;
    const events: RecordedEvent[] = [];
    let arrival: Arrival | undefined = first;
    while (arrival !== undefined) {
      if (arrival instanceof Mark) {
        this.note(arrival);
        if (this.nextPhase !== undefined) break;
      } else {
        const event = fromStore(arrival);
        if (event !== undefined) {
          events.push(event);
          this.position = event.position;
        }
        if (events.length === batchSize) break;
      }
      arrival = arrivals.take();
    }
    const caughtUp = this.caughtUp && arrivals.isEmpty;
    if (events.length === 0 && this.position === before && caughtUp === this.told) return undefined;
    this.told = caughtUp;
    return { events, position: this.position, caughtUp };
  }

  private note({ kind, position }: Mark): void {
    if (kind === 'checkpoint') {
      // Others point before an event that is still to come, and cannot be resumed after.
      if (position?.commit !== position?.prepare) return;
      this.vague = false;
      this.advance(position?.commit ?? 0n);
      return;
    }
    this.caughtUp = kind === 'caughtUp';
    this.announced = this.caughtUp ? 'live' : 'catching up';
    this.vague = this.caughtUp;
    if (this.caughtUp) this.advance(this.passed);
  }

  private advance(position: bigint): void {
    if (position > this.position) this.position = position;
  }
}

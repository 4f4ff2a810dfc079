import {
  type AppendResult,
  AppendTooLarge,
  type ExpectedRevision,
  Fallen,
  type NewEvent,
  RevisionConflict,
  revisionAfter,
} from '#eventsourcing';
import { append, largestEvent, sizeOf } from './appending.js';
import type { Clients } from './clients.js';

/** Of what goes out as one append. Servers before 25.1 take 1 MiB, framing and types in UTF-16 included. */
const mostBytes = 512 * 1024;
const mostEvents = 1_000;

interface Queued {
  readonly expected: ExpectedRevision;
  readonly events: readonly NewEvent[];
  readonly bytes: number;
  /** The server would end the call for it, and with that the appends of others that are in flight there. */
  readonly tooLarge: boolean;
  readonly resolve: (result: AppendResult) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Appends to one stream have one request under way at a time: sent together, one might overtake another that was
 * refused, and be stored on a state that it was not decided on. What comes meanwhile, each where the one before
 * it ends, goes out as one append: all of it is stored, or none.
 */
export class AppendQueues {
  /** By stream, as long as something of it is under way. */
  private readonly queues = new Map<
    string,
    { readonly waiting: Queued[]; readonly drained: Promise<void> }
  >();
  private readonly fallen = new Fallen();

  constructor(private readonly clients: Clients) {}

  /** @throws RevisionConflict, AppendTooLarge, StoreUnavailable */
  append(stream: string, expected: ExpectedRevision, events: readonly NewEvent[]): Promise<AppendResult> {
    return new Promise((resolve, reject) => {
      const sizes = events.map(sizeOf);
      const bytes = sizes.reduce((sum, size) => sum + size, 0);
      const queued = {
        expected,
        events,
        bytes,
        tooLarge: Math.max(...sizes) > largestEvent,
        resolve,
        reject,
      };
      const known = this.queues.get(stream);
      if (known !== undefined) {
        known.waiting.push(queued);
        return;
      }
      const waiting = [queued];
      this.queues.set(stream, { waiting, drained: this.drain(stream, waiting) });
    });
  }

  /** Waits until nothing is under way. */
  async idle(): Promise<void> {
    await Promise.all(Array.from(this.queues.values(), ({ drained }) => drained));
  }

  private async drain(stream: string, queue: Queued[]): Promise<void> {
    while (queue.length > 0) await this.store(stream, queue.splice(0, joinable(queue)));
    this.queues.delete(stream);
  }

  /** Tells each its outcome. What is refused together may hold what is stored already: each is then sent by itself. */
  private async store(stream: string, group: readonly Queued[]): Promise<void> {
    const [first] = group;
    if (first === undefined) return;
    if (group.length === 1 || this.fallen.has(stream, first.expected)) return this.storeEach(stream, group);
    const events = group.flatMap((queued) => queued.events);
    try {
      const { revision, position } = await append(this.clients, stream, first.expected, events);
      let last = revision - events.length;
      for (const queued of group) queued.resolve({ revision: (last += queued.events.length), position });
    } catch (error) {
      if (error instanceof RevisionConflict || error instanceof AppendTooLarge)
        return this.storeEach(stream, group);
      for (const queued of group) {
        this.fallen.add(stream, queued.expected, queued.events.length);
        queued.reject(error);
      }
    }
  }

  private async storeEach(stream: string, group: readonly Queued[]): Promise<void> {
    for (const { expected, events, tooLarge, resolve, reject } of group) {
      const alone = this.fallen.append(stream, expected, events.length, async () => {
        if (tooLarge) throw new AppendTooLarge(undefined);
        return append(this.clients, stream, expected, events);
      });
      await alone.then(resolve, reject);
    }
  }
}

/** How many at the head of a queue follow each other, and fit into one append; the first always. */
function joinable(queue: readonly Queued[]): number {
  let [bytes, events] = [0, 0];
  let next: ExpectedRevision | undefined = queue[0]?.expected;
  const end = queue.findIndex((queued, n) => {
    bytes += queued.bytes;
    events += queued.events.length;
    const fits = n === 0 || (bytes <= mostBytes && events <= mostEvents);
    const follows = queued.expected === next;
    next = revisionAfter(queued.expected, queued.events.length);
    return !fits || !follows;
  });
  return end === -1 ? queue.length : end;
}

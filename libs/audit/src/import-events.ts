import { join } from 'node:path';
import {
  derivedUuid,
  type EventMetadata,
  type EventStore,
  type NewEvent,
  type RecordedEvent,
} from '#eventsourcing';
import { exportFiles, readLines } from '#evidence';

/** Events of one stream, in the order in which they stand in the export, with nothing in between. */
interface Run {
  readonly stream: string;
  /** Revision of the first. */
  readonly revision: number;
  readonly events: NewEvent[];
}

export interface Imported {
  /** How many events were stored now, and how many by an earlier import that was broken off. */
  readonly stored: number;
  readonly found: number;
}

/** The store holds something else than the beginning of the export. */
export class NotEmpty extends Error {
  override readonly name = 'NotEmpty';
}

/** What is appended together: KurrentDB takes a MiB at once by default. */
const mostEvents = 1_000;
const mostBytes = 768 * 1024;
const placeholder = 'Purged';

/**
 * Stores the events of an export in their order, with their ids, revisions and metadata; positions are the
 * store's own. What an earlier import has stored is left as it is.
 * @param together how many appends may be in flight: more than one only where the store keeps the order of
 *   the calls over all streams
 * @throws NotEmpty, StoreUnavailable
 */
export async function importEvents(store: EventStore, dir: string, together: number): Promise<Imported> {
  const before = store.readAll()[Symbol.asyncIterator]();
  const appending = new Appending(store, together);
  let [stored, found, caughtUp] = [0, 0, false];
  for await (const { event, bytes } of eventsIn(dir)) {
    const known = caughtUp ? undefined : await nextReal(before);
    caughtUp ||= known === undefined;
    if (known === undefined) stored++;
    else if (known.id === event.id && known.stream === event.stream && known.revision === event.revision)
      found++;
    else throw new NotEmpty(`${known.stream} revision ${known.revision} is no part of the export`);
    await appending.add(event, bytes, known !== undefined);
  }
  const more = caughtUp ? undefined : await nextReal(before);
  if (more !== undefined) throw new NotEmpty(`${more.stream} revision ${more.revision} is behind the export`);
  await appending.flush();
  return { stored, found };
}

/** With each event how long its line is. */
async function* eventsIn(dir: string): AsyncGenerator<{ event: RecordedEvent; bytes: number }> {
  for await (const { lines } of readLines(join(dir, exportFiles.events))) {
    for (const line of lines) {
      const event = JSON.parse(line.toString()) as Partial<RecordedEvent>;
      if (event.data !== undefined) yield { event: event as RecordedEvent, bytes: line.length };
    }
  }
}

/** The next event of the store that was not made to stand for what retention had removed. */
async function nextReal(events: AsyncIterator<RecordedEvent>): Promise<RecordedEvent | undefined> {
  for (;;) {
    const next = await events.next();
    if (next.done === true) return undefined;
    if (next.value.type !== placeholder) return next.value;
  }
}

class Appending {
  private runs: Run[] = [];
  private events = 0;
  private bytes = 0;
  private readonly streams = new Set<string>();
  /** Streams whose first events are gone, by the revision that they begin with. */
  private readonly begun = new Map<string, number>();
  private readonly known = new Set<string>();

  constructor(
    private readonly store: EventStore,
    private readonly together: number,
  ) {}

  /** @param stored whether it is in the store already */
  async add(recorded: RecordedEvent, bytes: number, stored: boolean): Promise<void> {
    const { stream, revision, id, type, metadata, data } = recorded;
    if (!this.known.has(stream)) {
      this.known.add(stream);
      if (revision > 0) await this.begin(stream, revision, metadata, stored);
    }
    if (stored) return;
    if (this.bytes + bytes > mostBytes) await this.flush();
    const last = this.runs.at(-1);
    const event = { id, type, metadata, data };
    if (last?.stream === stream) last.events.push(event);
    else {
      // A stream that comes again must wait: appends that are stored together are sorted by stream.
      if (this.streams.has(stream) || this.runs.length >= this.together) await this.flush();
      this.streams.add(stream);
      this.runs.push({ stream, revision, events: [event] });
    }
    this.bytes += bytes;
    if (++this.events >= mostEvents) await this.flush();
  }

  async flush(): Promise<void> {
    await Promise.all(
      this.runs.map(({ stream, revision, events }) =>
        this.store.append(stream, revision === 0 ? 'none' : revision - 1, events),
      ),
    );
    const begun = this.runs.filter(({ stream }) => this.begun.has(stream));
    this.runs = [];
    this.events = 0;
    this.bytes = 0;
    this.streams.clear();
    for (const { stream } of begun) await this.truncate(stream);
  }

  /** Lets a stream begin with a later revision: what is gone is stood for, and removed again. */
  private async begin(
    stream: string,
    revision: number,
    metadata: EventMetadata,
    stored: boolean,
  ): Promise<void> {
    this.begun.set(stream, revision);
    if (stored) {
      await this.truncate(stream);
      return;
    }
    await this.flush();
    for (let first = 0; first < revision; first += mostEvents) {
      const count = Math.min(mostEvents, revision - first);
      const gone = Array.from({ length: count }, (_, n) => ({
        id: derivedUuid('purged', stream, String(first + n)),
        type: placeholder,
        data: {},
        metadata,
      }));
      await this.store.append(stream, first === 0 ? 'none' : first - 1, gone);
    }
  }

  private async truncate(stream: string): Promise<void> {
    await this.store.truncateBefore(stream, this.begun.get(stream) ?? 0);
    this.begun.delete(stream);
  }
}

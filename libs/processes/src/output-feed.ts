import type { Fact, ReadStreamOptions, RecordedEvent, Streams } from '#eventsourcing';
import { type Feed, Placed } from '#http';
import { bytesIn, sizeOf } from './output-content.js';
import type { OutputFigures, OutputStream } from './process.events.js';
import { outputStreamOf, type ProcessOutputWritten } from './process-output.events.js';

/** How many events are read at once, at most: together some megabytes. */
const pageSize = 16;

/** Base64 needs no escaping: its frame is put together without looking at it. */
class PlacedPiece extends Placed<OutputPiece> {
  constructor(
    private readonly output: OutputPiece,
    place: number,
    readonly revision: number,
  ) {
    super(place, 'output', output);
  }

  override get size(): number {
    return this.output.base64.length;
  }

  override get frame(): string {
    const { offset, base64 } = this.output;
    return `id: ${this.place}\nevent: output\ndata: {"offset":${offset},"base64":"${base64}"}\n\n`;
  }
}

/** A piece of output as followers get it. */
export interface OutputPiece {
  /** Of its first byte. */
  readonly offset: number;
  readonly base64: string;
}

const known = new WeakMap<RecordedEvent, Placed<OutputPiece>>();

const dataOf = (event: RecordedEvent): ProcessOutputWritten['data'] =>
  (event as Fact as ProcessOutputWritten).data;

/** One stream of the output of a process, read from what is stored; places are the offsets behind pieces. */
export class OutputFeed implements Feed<OutputPiece> {
  readonly source: string;
  /** Where reading goes on: nothing before the event of this revision is behind the place. */
  private next: { place: number; revision: number } | undefined;

  constructor(
    private readonly streams: Streams,
    processId: string,
    private readonly stream: OutputStream,
  ) {
    this.source = outputStreamOf(processId);
  }

  passed(piece: Placed<OutputPiece>): void {
    if (piece instanceof PlacedPiece) this.next = { place: piece.place, revision: piece.revision + 1 };
  }

  /** Oldest first alone; the first piece begins at the very byte asked for. */
  async *read(from: number, _order: 'asc' | 'desc', limit = Infinity): AsyncGenerator<Placed<OutputPiece>> {
    let left = limit;
    let revision = this.next?.place === from ? this.next.revision : await this.revisionOf(from);
    // Who asks for little takes no more: what is read beyond it would be read again, piece after piece.
    const page = Math.min(pageSize, limit);
    for (let count = page; count === page;) {
      count = 0;
      for await (const event of this.streams.read(this.source, { from: revision, limit: page })) {
        count++;
        revision = event.revision + 1;
        const placed = this.placed(event);
        if (placed?.event === undefined || placed.place <= from) continue;
        if (left-- === 0) return;
        this.next = { place: placed.place, revision };
        yield placed.event.offset < from ? behind(placed.event, from, event.revision) : placed;
      }
    }
  }

  /** The piece that an event holds of this stream; the same object for all who follow. */
  placed(event: RecordedEvent): Placed<OutputPiece> | undefined {
    const data = dataOf(event);
    if (data.stream !== this.stream) return undefined;
    let placed = known.get(event);
    if (placed === undefined) {
      const offset = data[this.stream];
      const base64 = 'base64' in data ? data.base64 : bytesIn(data).toString('base64');
      placed = new PlacedPiece({ offset, base64 }, offset + sizeOf(data), event.revision);
      known.set(event, placed);
    }
    return placed;
  }

  /** What has been kept so far of both streams. @throws StoreUnavailable */
  async figures(): Promise<OutputFigures> {
    const last = await this.one({ direction: 'backwards' });
    const data = last && dataOf(last);
    const bytes = (stream: OutputStream): number =>
      data === undefined ? 0 : data[stream] + (data.stream === stream ? sizeOf(data) : 0);
    return {
      stdout: { bytes: bytes('stdout'), truncated: false },
      stderr: { bytes: bytes('stderr'), truncated: false },
    };
  }

  /** The revision of the event that holds the byte, or of one before it, found by halving. */
  private async revisionOf(offset: number): Promise<number> {
    const [first, last] = await Promise.all([this.one({}), this.one({ direction: 'backwards' })]);
    if (first === undefined || last === undefined) return 0;
    let [low, high] = [first.revision, last.revision + 1];
    // What stands before `high` begins at or before the byte; what stands before `low` ends there.
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      const event = await this.one({ from: middle });
      if (event === undefined || dataOf(event)[this.stream] > offset) high = middle;
      else low = middle;
    }
    return low;
  }

  private async one(options: ReadStreamOptions): Promise<RecordedEvent | undefined> {
    for await (const event of this.streams.read(this.source, { ...options, limit: 1 })) return event;
    return undefined;
  }
}

function behind({ offset, base64 }: OutputPiece, from: number, revision: number): Placed<OutputPiece> {
  const bytes = Buffer.from(base64, 'base64');
  const rest = bytes.subarray(from - offset).toString('base64');
  return new PlacedPiece({ offset: from, base64: rest }, offset + bytes.length, revision);
}

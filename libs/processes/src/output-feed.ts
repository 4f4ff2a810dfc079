import type { Fact, ReadStreamOptions, RecordedEvent, Streams } from '#eventsourcing';
import { type Feed, Placed } from '#http';
import type { OutputFigures, OutputStream } from './process.events.js';
import { bytesOf, outputStreamOf, type ProcessOutputWritten } from './process-output.events.js';

/** How many events are read at once, at most: together some megabytes. */
const pageSize = 16;

/** How much of what was heard is kept for a reader that is behind, in characters of base64. */
const mostHeard = 4 * 1024 * 1024;

/** Base64 needs no escaping: its frame is put together without looking at it. */
class PlacedPiece extends Placed<OutputPiece> {
  constructor(
    private readonly output: OutputPiece,
    place: number,
  ) {
    super(place, 'output', output);
  }

  override get frame(): string {
    const { offset, base64 } = this.output;
    return `id: ${this.place}\nevent: output\ndata: {"offset":${offset},"base64":"${base64}"}\n\n`;
  }
}

interface Heard {
  readonly piece: Placed<OutputPiece>;
  readonly revision: number;
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
  /** The newest pieces, without a gap, that a reader has not come to yet. */
  private heard: Heard[] = [];
  private heardSize = 0;

  constructor(
    private readonly streams: Streams,
    processId: string,
    private readonly stream: OutputStream,
  ) {
    this.source = outputStreamOf(processId);
  }

  /** A piece that has just been stored: who is about to read it need not fetch it again. */
  hear(piece: Placed<OutputPiece>, revision: number): void {
    const size = sizeOf(piece);
    if (piece.event?.offset !== this.heard.at(-1)?.piece.place || this.heardSize + size > mostHeard) {
      this.heard = [];
      this.heardSize = 0;
    }
    this.heard.push({ piece, revision });
    this.heardSize += size;
  }

  /** The reader has come to this place. */
  pass(place: number): void {
    for (let [first] = this.heard; first !== undefined && first.piece.place <= place; [first] = this.heard) {
      this.heard.shift();
      this.heardSize -= sizeOf(first.piece);
      this.next = { place: first.piece.place, revision: first.revision + 1 };
    }
  }

  /** Oldest first alone; the first piece begins at the very byte asked for. */
  async *read(asked: number, _order: 'asc' | 'desc', limit = Infinity): AsyncGenerator<Placed<OutputPiece>> {
    let from = asked;
    let left = limit;
    for (let piece = this.heardAt(from); piece !== undefined && left > 0; piece = this.heardAt(from)) {
      left--;
      yield piece;
      from = piece.place;
    }
    if (left === 0) return;
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
        yield placed.event.offset < from ? behind(placed.event, from) : placed;
      }
    }
  }

  /** The piece that begins at the place, if it was heard. */
  private heardAt(place: number): Placed<OutputPiece> | undefined {
    this.pass(place);
    const piece = this.heard[0]?.piece;
    return piece?.event?.offset === place ? piece : undefined;
  }

  /** The piece that an event holds of this stream; the same object for all who follow. */
  placed(event: RecordedEvent): Placed<OutputPiece> | undefined {
    const data = dataOf(event);
    if (data.stream !== this.stream) return undefined;
    let placed = known.get(event);
    if (placed === undefined) {
      const offset = data[this.stream];
      placed = new PlacedPiece({ offset, base64: data.base64 }, offset + bytesOf(data));
      known.set(event, placed);
    }
    return placed;
  }

  /** What has been kept so far of both streams. @throws StoreUnavailable */
  async figures(): Promise<OutputFigures> {
    const last = await this.one({ direction: 'backwards' });
    const data = last && dataOf(last);
    const bytes = (stream: OutputStream): number =>
      data === undefined ? 0 : data[stream] + (data.stream === stream ? bytesOf(data) : 0);
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

const sizeOf = ({ event }: Placed<OutputPiece>): number => event?.base64.length ?? 0;

function behind({ offset, base64 }: OutputPiece, from: number): Placed<OutputPiece> {
  const bytes = Buffer.from(base64, 'base64');
  const rest = bytes.subarray(from - offset).toString('base64');
  return new PlacedPiece({ offset: from, base64: rest }, offset + bytes.length);
}

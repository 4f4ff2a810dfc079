import { EventEmitter } from 'node:events';

export interface Proposed {
  readonly id: string;
  readonly type: string;
  readonly contentType: string;
  readonly data: Uint8Array;
  readonly metadata: Uint8Array;
}

export interface Stored extends Proposed {
  readonly stream: string;
  readonly revision: number;
  readonly position: bigint;
}

export type Expected = number | 'no_stream' | 'any' | 'stream_exists';

export type Appended =
  /** The position is left out where the events are known, but no longer shown. */
  | { readonly ok: true; readonly revision: number; readonly position?: bigint }
  | { readonly ok: false; readonly current: number; readonly deleted: boolean };

/** What a stream's `$tb` says once it is deleted softly. */
const deleted = 2 ** 63;
/** How long a deleted stream that is written again is still hidden, in milliseconds: longer than an answer takes. */
const undeleting = 20;

/** The events of a KurrentDB node, and the rules by which it takes them (its `IndexWriter.CheckCommit`). */
export class Memory extends EventEmitter<{ appended: [] }> {
  readonly log: Stored[] = [];
  private readonly streams = new Map<string, Stored[]>();
  /** Deleted streams that have been written again, as long as they are hidden. */
  private readonly hidden = new Set<string>();
  private end = 128n;

  constructor() {
    super();
    // Each open subscription waits for what is appended.
    this.setMaxListeners(0);
  }

  append(stream: string, expected: Expected, proposed: readonly Proposed[]): Appended {
    const events = this.streams.get(stream) ?? [];
    const last = events.length - 1;
    const conflict = { ok: false, current: last, deleted: false } as const;
    const gone = this.isDeleted(stream);
    const exists = last >= 0 || this.streams.has(`$$${stream}`);
    if (expected === 'stream_exists' && gone) return { ...conflict, deleted: true };
    if (expected === 'stream_exists' && !exists) return conflict;
    if (typeof expected === 'number' && expected > last) return conflict;
    const start = this.startOf(expected, events, proposed);
    const known = proposed.filter(({ id }, n) => events[start + n]?.id === id).length;
    const final = events[start + proposed.length - 1];
    if (known === proposed.length && final)
      return { ok: true, revision: final.revision, ...(this.shows(final) && { position: final.position }) };
    if (known > 0) return conflict;
    if (typeof expected === 'number' && expected < last) return conflict;
    if (expected === 'no_stream' && last >= 0 && !gone) return conflict;
    const position = this.write(stream, proposed);
    if (gone) this.undelete(stream, last + 1);
    this.emit('appended');
    return { ok: true, revision: last + proposed.length, position };
  }

  /** Hides the events of a stream until it is written again. @param expected its last revision, if that matters */
  delete(stream: string, expected?: number): Appended {
    const last = this.last(stream);
    if (last < 0 || last !== (expected ?? last)) return { ok: false, current: last, deleted: false };
    const position = this.write(`$$${stream}`, [metadataEvent({ $tb: deleted })]);
    this.emit('appended');
    return { ok: true, revision: last, position };
  }

  /** The events that a reader of the stream is shown; undefined when there is no such stream for it. */
  visible(stream: string): readonly Stored[] | undefined {
    const events = this.streams.get(stream);
    if (events === undefined || this.isDeleted(stream) || this.hidden.has(stream)) return undefined;
    const { $tb = 0, $maxCount = Infinity } = this.metadata(stream);
    return events.slice(Math.max($tb, events.length - $maxCount, 0));
  }

  /** Revision of the last event of a stream, whether it is shown or not; -1 when there is none. */
  last(stream: string): number {
    return (this.streams.get(stream)?.length ?? 0) - 1;
  }

  /** Whether a reader of its stream is shown the event. */
  shows({ stream, revision }: Stored): boolean {
    return revision >= (this.visible(stream)?.[0]?.revision ?? Infinity);
  }

  /**
   * The writer knows of it at once. Readers do so when its own write is indexed, which is behind the one that was
   * acknowledged (StorageWriterService.cs, `SoftUndeleteStream`).
   */
  private undelete(stream: string, from: number): void {
    this.write(`$$${stream}`, [metadataEvent({ ...this.metadata(stream), $tb: from })]);
    this.hidden.add(stream);
    setTimeout(() => this.hidden.delete(stream), undeleting);
  }

  private startOf(expected: Expected, events: readonly Stored[], proposed: readonly Proposed[]): number {
    if (expected === 'no_stream') return 0;
    if (typeof expected === 'number') return expected + 1;
    const found = events.findLastIndex(({ id }) => id === proposed[0]?.id);
    return found === -1 ? events.length : found;
  }

  private isDeleted(stream: string): boolean {
    return this.metadata(stream).$tb === deleted;
  }

  private metadata(stream: string): { $tb?: number; $maxCount?: number } {
    const newest = this.streams.get(`$$${stream}`)?.at(-1);
    if (newest === undefined) return {};
    return JSON.parse(Buffer.from(newest.data).toString('utf8')) as { $tb?: number; $maxCount?: number };
  }

  private write(stream: string, proposed: readonly Proposed[]): bigint {
    const events = this.streams.get(stream) ?? [];
    this.streams.set(stream, events);
    let position = this.end;
    for (const event of proposed) {
      position = this.end;
      const stored = { ...event, stream, revision: events.length, position };
      events.push(stored);
      this.log.push(stored);
      this.end += BigInt(96 + stream.length + event.data.length + event.metadata.length);
    }
    return position;
  }
}

const metadataEvent = (metadata: object): Proposed => ({
  id: crypto.randomUUID(),
  type: '$metadata',
  contentType: 'application/json',
  data: Buffer.from(JSON.stringify(metadata)),
  metadata: new Uint8Array(),
});

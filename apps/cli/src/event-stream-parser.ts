/** One event of a stream of Server-Sent Events. */
export interface ServerSentEvent {
  /** `message` when the stream names none. */
  readonly type: string;
  /** Its data lines, joined by `\n`. */
  readonly data: string;
}

/**
 * Reads `text/event-stream` (WHATWG HTML, section 9.2.6) from bytes that are cut anywhere. An event that was
 * not ended by an empty line when the connection broke is never told.
 */
export class EventStreamParser {
  /** The number of milliseconds to wait before connecting again, as far as the server has advised one. */
  retry: number | undefined;
  private readonly decoder = new TextDecoder();
  private open = '';
  private afterReturn = false;
  private type = '';
  private data: string[] = [];
  private id: string;

  /** @param lastEventId where to go on after the next break: the id of the last event told */
  constructor(public lastEventId = '') {
    this.id = lastEventId;
  }

  /** The events that these bytes complete. */
  push(bytes: Uint8Array): ServerSentEvent[] {
    return this.lines(bytes).flatMap((line) => (line === '' ? this.dispatch() : this.field(line)));
  }

  private lines(bytes: Uint8Array): string[] {
    const text = this.decoder.decode(bytes, { stream: true });
    if (text === '') return [];
    // A carriage return has ended its line already: the line feed behind it ends no other.
    const start = this.afterReturn && text.startsWith('\n') ? 1 : 0;
    this.afterReturn = text.endsWith('\r');
    const lines = text.slice(start).split(/\r\n|\r|\n/);
    lines[0] = this.open + (lines[0] ?? '');
    this.open = lines.pop() ?? '';
    return lines;
  }

  private field(line: string): [] {
    const colon = line.indexOf(':');
    const name = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'data') this.data.push(value);
    if (name === 'event') this.type = value;
    if (name === 'id' && !value.includes('\0')) this.id = value;
    if (name === 'retry' && /^\d+$/.test(value)) this.retry = Number(value);
    return [];
  }

  private dispatch(): ServerSentEvent[] {
    const event = { type: this.type || 'message', data: this.data.join('\n') };
    const told = this.data.length > 0;
    this.lastEventId = this.id;
    this.type = '';
    this.data = [];
    return told ? [event] : [];
  }
}

import type { Streams } from '#eventsourcing';
import { appendLog, logDecider, type LogLine, logStreamOf } from '#logs';
import { insist, type OnBehalf } from './insist.js';
import type { OutputStream, ProcessBirth } from './process.events.js';

/** A line that is longer than this is cut, in characters. */
const longest = 128 * 1024;

/** Adds the output of a process to its run's log, line by line, as text. */
export class AttachedLines {
  private readonly decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  private begun = '';

  constructor(
    private readonly streams: Streams,
    private readonly process: Pick<ProcessBirth, 'process_id' | 'run_id'>,
    private readonly stream: OutputStream,
    private readonly onBehalf: OnBehalf,
  ) {}

  async write(bytes: Buffer): Promise<void> {
    const lines = (this.begun + this.decoder.decode(bytes, { stream: true })).split('\n');
    this.begun = lines.pop() ?? '';
    const messages = lines.map(withoutReturn);
    while (this.begun.length > longest) {
      // Half a character is no text.
      const end = (this.begun.charCodeAt(longest - 1) & 0xfc00) === 0xd800 ? longest - 1 : longest;
      messages.push(this.begun.slice(0, end));
      this.begun = this.begun.slice(end);
    }
    await this.append(messages);
  }

  /** Adds what has no line break behind it. */
  async end(): Promise<void> {
    const rest = this.begun + this.decoder.decode();
    this.begun = '';
    if (rest !== '') await this.append([withoutReturn(rest)]);
  }

  private async append(messages: readonly string[]): Promise<void> {
    if (messages.length === 0) return;
    const ts = new Date().toISOString();
    const lines = messages.map((message): LogLine => ({
      ts,
      stream: this.stream,
      // A log is text, which cannot hold U+0000; the process's output can.
      message: message.replaceAll('\0', '\ufffd'),
      attributes: { process_id: this.process.process_id },
    }));
    await insist(this.onBehalf, (causation) =>
      this.streams.execute(logDecider, logStreamOf(this.process.run_id), causation, (log, last) =>
        appendLog(log, lines, undefined, last),
      ),
    );
  }
}

/** A line may end with CRLF. */
const withoutReturn = (line: string): string => (line.endsWith('\r') ? line.slice(0, -1) : line);

/** Longest message that the server takes, in bytes of UTF-8. */
export const maxMessageBytes = 1024 * 1024;

/**
 * Cuts a byte stream into lines that the server will take: invalid UTF-8 and U+0000 become U+FFFD, a
 * line that is too long is split between characters, and `\n` or `\r\n` end a line. Holds at
 * most one line in memory.
 */
export class LineSplitter {
  private readonly decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  private open: string[] = [];
  private openBytes = 0;

  constructor(private readonly maxBytes = maxMessageBytes) {}

  /** The lines that these bytes complete. */
  push(bytes: Uint8Array): string[] {
    return this.take(this.decoder.decode(bytes, { stream: true }));
  }

  /** What is left when the stream has ended: a last line without a line end. */
  end(): string[] {
    const lines = this.take(this.decoder.decode());
    if (this.openBytes > 0) lines.push(this.close());
    return lines;
  }

  private take(text: string): string[] {
    const lines: string[] = [];
    const pieces = text.replaceAll('\0', '\uFFFD').split('\n');
    pieces.forEach((piece, n) => {
      this.extend(piece, lines);
      if (n < pieces.length - 1) lines.push(this.close().replace(/\r$/, ''));
    });
    return lines;
  }

  private extend(piece: string, lines: string[]): void {
    let rest = Buffer.from(piece);
    while (this.openBytes + rest.length > this.maxBytes) {
      const cut = characterBoundary(rest, this.maxBytes - this.openBytes);
      this.open.push(rest.toString('utf8', 0, cut));
      lines.push(this.close());
      rest = rest.subarray(cut);
    }
    if (rest.length > 0) this.open.push(rest.toString('utf8'));
    this.openBytes += rest.length;
  }

  private close(): string {
    const line = this.open.join('');
    this.open = [];
    this.openBytes = 0;
    return line;
  }
}

/** The last place at or before `limit` where a character starts. */
const characterBoundary = (bytes: Buffer, limit: number): number => {
  let cut = limit;
  while (cut > 0 && ((bytes[cut] ?? 0) & 0xc0) === 0x80) cut--;
  return cut;
};

import { createReadStream } from 'node:fs';

const chunkSize = 1024 * 1024;
const lineBreak = 0x0a;

/** Some bytes of a file, and the lines that end in them, without their line breaks. */
export interface Lines {
  readonly bytes: Buffer;
  readonly lines: readonly Buffer[];
}

/** Reads a file from its beginning. What follows the last line break is a line too, unless it is empty. */
export const readLines = (file: string): AsyncGenerator<Lines> =>
  linesOf(createReadStream(file, { highWaterMark: chunkSize }) as AsyncIterable<Buffer>);

/** The same of bytes from anywhere. */
export async function* linesOf(source: AsyncIterable<Uint8Array>): AsyncGenerator<Lines> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of source) {
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    const text = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    const lines: Buffer[] = [];
    let start = 0;
    for (let end = text.indexOf(lineBreak); end >= 0; end = text.indexOf(lineBreak, start)) {
      lines.push(text.subarray(start, end));
      start = end + 1;
    }
    rest = text.subarray(start);
    yield { bytes, lines };
  }
  if (rest.length > 0) yield { bytes: Buffer.alloc(0), lines: [rest] };
}

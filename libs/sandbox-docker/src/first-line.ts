import { once } from 'node:events';
import type { Readable } from 'node:stream';

/** Takes the first line off a stream, and leaves the rest to be read; what there is, when it ends before. */
export async function takeFirstLine(stream: Readable): Promise<string> {
  let line = Buffer.alloc(0);
  for (;;) {
    const chunk = stream.read() as Buffer | null;
    if (chunk !== null) {
      const end = chunk.indexOf('\n');
      line = Buffer.concat([line, end < 0 ? chunk : chunk.subarray(0, end)]);
      if (end < 0) continue;
      if (end + 1 < chunk.length) stream.unshift(chunk.subarray(end + 1));
      return line.toString();
    }
    if (stream.readableEnded) return line.toString();
    await Promise.race([once(stream, 'readable'), once(stream, 'end')]);
  }
}

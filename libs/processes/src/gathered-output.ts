import { brokenEnd } from './capped-output.js';
import type { OutputStream } from './process.events.js';

/**
 * The largest piece that is stored: as JSON, which spells some characters in six, it is below 1 MB, the most that
 * stores take by default. As base64 it is below 128 KiB: V8 keeps a longer string in pages of its own, which are
 * mapped for it and unmapped. So much is handed over at once, commits being on their way or not; less is
 * gathered until the store is free.
 */
export const pieceBytes = 90 * 1024;

interface Stretch {
  readonly stream: OutputStream;
  readonly parts: Buffer[];
}

/** What a process has written to both streams and is not yet handed to the store, in its order. */
export class GatheredOutput {
  private stretches: Stretch[] = [];
  private bytes = 0;

  /** In bytes. */
  get size(): number {
    return this.bytes;
  }

  add(stream: OutputStream, bytes: Buffer): void {
    const last = this.stretches.at(-1);
    if (last?.stream === stream) last.parts.push(bytes);
    else this.stretches.push({ stream, parts: [bytes] });
    this.bytes += bytes.length;
  }

  /** Takes out the pieces to be stored next. @param all also the end, which makes no whole piece */
  take(all: boolean): { readonly stream: OutputStream; readonly bytes: Buffer }[] {
    const stretches = this.stretches;
    const last = stretches.at(-1);
    this.stretches = [];
    this.bytes = 0;
    return stretches.flatMap((stretch) => {
      const { stream, parts } = stretch;
      const { pieces, rest } = cut(parts, all || stretch !== last ? 1 : pieceBytes);
      if (rest.length > 0) this.add(stream, rest);
      return pieces.map((bytes) => ({ stream, bytes }));
    });
  }
}

/** @param least how many bytes make a piece */
function cut(parts: readonly Buffer[], least: number): { pieces: Buffer[]; rest: Buffer } {
  const pieces: Buffer[] = [];
  let rest = parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
  while (rest.length >= least) {
    const first = firstOf(rest);
    pieces.push(first);
    rest = rest.subarray(first.length);
  }
  return { pieces, rest };
}

/** As many of the bytes as a piece takes, cut between characters where they are UTF-8. */
const firstOf = (bytes: Buffer): Buffer => {
  if (bytes.length <= pieceBytes) return bytes;
  const first = bytes.subarray(0, pieceBytes);
  return first.subarray(0, first.length - brokenEnd(first));
};

import type { StreamFigures } from './process.events.js';

const none = Buffer.alloc(0);

/**
 * Decides what is kept of one stream of output: all, or its beginning up to a cap. Pieces end on whole UTF-8
 * characters, so that the cap can drop a broken one; bytes that are no UTF-8 are kept as they are.
 */
export class CappedOutput {
  private bytes = 0;
  private kept = 0;
  private truncated = false;
  /** The beginning of a character whose rest is still to come. */
  private begun: Buffer = none;

  /** @param limit bytes; 0 is no cap */
  constructor(private readonly limit: number) {}

  get figures(): StreamFigures {
    return { bytes: this.bytes, truncated: this.truncated };
  }

  /** What is kept of some more output. */
  take(more: Buffer): Buffer {
    this.bytes += more.length;
    if (this.truncated) return none;
    const all = this.begun.length === 0 ? more : Buffer.concat([this.begun, more]);
    const room = this.limit === 0 ? Infinity : this.limit - this.kept;
    this.truncated = all.length > room;
    const fitting = this.truncated ? all.subarray(0, room) : all;
    const whole = fitting.length - brokenEnd(fitting);
    this.begun = this.truncated ? none : Buffer.from(fitting.subarray(whole));
    this.kept += whole;
    return fitting.subarray(0, whole);
  }

  /** What is left to keep when nothing follows. */
  end(): Buffer {
    const rest = this.begun;
    this.begun = none;
    this.kept += rest.length;
    return rest;
  }
}

/** How many bytes at the end begin a UTF-8 character that is not complete. */
export function brokenEnd(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes.readUInt8(bytes.length - back);
    if ((byte & 0xc0) === 0x80) continue;
    return lengthBy(byte) > back ? back : 0;
  }
  return 0;
}

function lengthBy(lead: number): number {
  if (lead >= 0xf8 || lead < 0xc0) return 1;
  return lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
}

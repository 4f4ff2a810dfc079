/** Where content goes before it is removed. Names are paths of plain words. */
export abstract class Archive {
  /** Writes a whole object, or none: what is half written has no name. @returns how many bytes */
  abstract write(name: string, content: AsyncIterable<Buffer>): Promise<number>;

  /** The bytes of an object; undefined when there is none. */
  abstract read(name: string): Promise<AsyncIterable<Uint8Array> | undefined>;
}

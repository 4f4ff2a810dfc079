import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import type { Archive } from './archive.js';
import type { RetainedContent } from './retained-content.js';
import type { SweepBatch } from './sweep.events.js';

/** What a manifest says of the file beside it. */
interface Manifest {
  readonly version: 1;
  readonly project_id: string;
  readonly operation_id: string;
  readonly batch: number;
  readonly kind: string;
  readonly scope: string;
  /** Gzip of NDJSON, a line for each entry. */
  readonly file: string;
  readonly bytes: number;
  /** Of the file; hex. */
  readonly sha256: string;
  readonly count: number;
  /** Whose content it is, in the order of the file. */
  readonly subjects: readonly { id: string; first_seq: number; last_seq: number; from: string; to: string }[];
}

/** Writes batches of a sweep into the archive before they are removed. */
export class Archiver {
  constructor(private readonly archive: Archive) {}

  /**
   * Resolves when the content and its manifest are in the archive and were read back as they were written.
   * A batch whose manifest stands, and holds, is not written again: some of it may be gone by now.
   * @returns name of the manifest
   * @throws Error when it is not in the archive for sure
   */
  async ensure(
    project: string,
    operation_id: string,
    batch: SweepBatch,
    content: RetainedContent,
  ): Promise<string> {
    const name = `${project}/${batch.kind}/${operation_id}/${String(batch.number).padStart(6, '0')}`;
    const manifestName = `${name}.manifest.json`;
    if (await this.holds(manifestName)) return manifestName;
    const file = `${name}.ndjson.gz`;
    const written = { sha256: createHash('sha256'), count: 0 };
    const bytes = await this.archive.write(file, zipped(linesOf(batch, content, written), written));
    const { kind, scope, number, removals } = batch;
    const manifest: Manifest = {
      version: 1,
      project_id: project,
      ...{ operation_id, batch: number, kind, scope, file, bytes },
      sha256: written.sha256.digest('hex'),
      count: written.count,
      subjects: removals.map(({ id, after_seq, through_seq, from, to }) => ({
        ...{ id, first_seq: after_seq + 1, last_seq: through_seq, from, to },
      })),
    };
    if (!(await this.isAsTold(manifest)))
      throw new Error(`the archive does not give back what was written: ${file}`);
    await this.archive.write(manifestName, pieceOf(`${JSON.stringify(manifest, null, 2)}\n`));
    if (!(await this.holds(manifestName))) throw new Error(`the archive did not keep ${manifestName}`);
    return manifestName;
  }

  /** Whether there is a manifest of this name, and the file that it tells of. */
  private async holds(manifestName: string): Promise<boolean> {
    const bytes = await this.archive.read(manifestName);
    if (bytes === undefined) return false;
    const pieces: Uint8Array[] = [];
    for await (const piece of bytes) pieces.push(piece);
    return this.isAsTold(JSON.parse(Buffer.concat(pieces).toString()) as Manifest);
  }

  private async isAsTold({ file, bytes, sha256 }: Manifest): Promise<boolean> {
    const content = await this.archive.read(file);
    if (content === undefined) return false;
    const hash = createHash('sha256');
    let size = 0;
    for await (const piece of content) {
      hash.update(piece);
      size += piece.length;
    }
    return size === bytes && hash.digest('hex') === sha256;
  }
}

async function* linesOf(batch: SweepBatch, content: RetainedContent, written: { count: number }) {
  for (const removal of batch.removals) {
    for await (const line of content.lines(removal)) {
      written.count++;
      yield line;
    }
  }
}

async function* zipped(lines: AsyncIterable<string>, written: { sha256: ReturnType<typeof createHash> }) {
  const zip = Readable.from(lines, { objectMode: false }).pipe(createGzip());
  for await (const bytes of zip as AsyncIterable<Buffer>) {
    written.sha256.update(bytes);
    yield bytes;
  }
}

async function* pieceOf(text: string): AsyncGenerator<Buffer> {
  yield await Promise.resolve(Buffer.from(text));
}

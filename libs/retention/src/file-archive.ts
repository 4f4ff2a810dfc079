import { createReadStream } from 'node:fs';
import { mkdir, open, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Archive } from './archive.js';

/** An archive in a folder. */
export class FileArchive extends Archive {
  /** @param folder absolute path; made when it is not there */
  constructor(private readonly folder: string) {
    super();
  }

  async write(name: string, content: AsyncIterable<Buffer>): Promise<number> {
    const path = join(this.folder, name);
    const unfinished = `${path}.part`;
    await mkdir(dirname(path), { recursive: true });
    const file = await open(unfinished, 'w');
    let size = 0;
    try {
      for await (const bytes of content) {
        await file.write(bytes);
        size += bytes.length;
      }
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(unfinished, path);
    await this.syncFolder(dirname(path));
    return size;
  }

  async read(name: string): Promise<AsyncIterable<Uint8Array> | undefined> {
    const path = join(this.folder, name);
    try {
      await (await open(path)).close();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
    return createReadStream(path) as AsyncIterable<Uint8Array>;
  }

  /** The new name must be on disk too. */
  private async syncFolder(path: string): Promise<void> {
    const folder = await open(path);
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }
}

import { fileURLToPath } from 'node:url';
import type { Archive } from './archive.js';
import { FileArchive } from './file-archive.js';

/** The archive that a URL names. @param url `file://` and an absolute path */
export function archiveAt(url: string): Promise<Archive> {
  return Promise.resolve(new FileArchive(fileURLToPath(url)));
}

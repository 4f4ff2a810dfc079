import { fileURLToPath } from 'node:url';
import type { Archive } from './archive.js';
import { FileArchive } from './file-archive.js';

/** The archive that a URL names. @param url `file://` and an absolute path, or `s3://<bucket>/<prefix>` */
export async function archiveAt(url: string): Promise<Archive> {
  const { protocol, hostname, pathname } = new URL(url);
  if (protocol === 'file:') return new FileArchive(fileURLToPath(url));
  // Who archives into a folder need not load the client.
  const { S3Archive } = await import('./s3-archive.js');
  const prefix = pathname.replace(/^\/+|\/+$/g, '');
  return new S3Archive(hostname, prefix === '' ? '' : `${prefix}/`);
}

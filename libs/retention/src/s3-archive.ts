import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetObjectCommand, NoSuchKey, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { Archive } from './archive.js';
import { FileArchive } from './file-archive.js';

/** An archive in a bucket. Region, credentials and endpoint come from the environment, as AWS names them. */
export class S3Archive extends Archive {
  private readonly client: S3Client;

  /** @param prefix of all names, empty or ending with a slash */
  constructor(
    private readonly bucket: string,
    private readonly prefix: string,
  ) {
    super();
    const endpoint = process.env['AWS_ENDPOINT_URL_S3'] ?? process.env['AWS_ENDPOINT_URL'];
    this.client = new S3Client({
      // Stores other than AWS's own know neither bucket hosts nor the newer checksums.
      forcePathStyle: endpoint !== undefined,
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    });
  }

  /** Through a file, for a bucket wants to know the size before the content. */
  async write(name: string, content: AsyncIterable<Buffer>): Promise<number> {
    const folder = await mkdtemp(join(tmpdir(), 'runledger-archive-'));
    try {
      const size = await new FileArchive(folder).write('object', content);
      const Body = createReadStream(join(folder, 'object'));
      await this.client.send(new PutObjectCommand({ ...this.place(name), Body, ContentLength: size }));
      return size;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async read(name: string): Promise<AsyncIterable<Uint8Array> | undefined> {
    try {
      const { Body } = await this.client.send(new GetObjectCommand(this.place(name)));
      return Body as AsyncIterable<Uint8Array> | undefined;
    } catch (error) {
      if (error instanceof NoSuchKey) return undefined;
      throw error;
    }
  }

  private place(name: string): { Bucket: string; Key: string } {
    return { Bucket: this.bucket, Key: `${this.prefix}${name}` };
  }
}

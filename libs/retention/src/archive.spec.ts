import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Archive } from './archive.js';
import { archiveAt } from './archive-at.js';
import { Archiver } from './archiver.js';
import type { RetainedContent } from './retained-content.js';
import type { SweepBatch } from './sweep.events.js';

/** What a bucket holds; it takes what is put and gives it back, and looks at no signature. */
const objects = new Map<string, Buffer>();
/** What becomes of what is put, as a bad disk would have it; undefined: it is lost. */
let kept: (bytes: Buffer, name: string) => Buffer | undefined;
let server: Server;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'runledger-archive-spec-'));
  server = createServer((request, response) => {
    const name = decodeURIComponent(request.url?.split('?')[0] ?? '');
    if (request.method === 'GET') {
      const found = objects.get(name);
      response.writeHead(found ? 200 : 404, { 'content-type': 'application/xml' });
      response.end(found ?? '<Error><Code>NoSuchKey</Code><Message>none</Message></Error>');
      return;
    }
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const bytes = kept(Buffer.concat(pieces), name);
      if (bytes !== undefined) objects.set(name, bytes);
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${port}`,
    AWS_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: 'key',
    AWS_SECRET_ACCESS_KEY: 'secret',
  });
});

afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
  for (const name of ['AWS_ENDPOINT_URL_S3', 'AWS_REGION', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) {
    Reflect.deleteProperty(process.env, name);
  }
});

beforeEach(() => {
  objects.clear();
  kept = (bytes) => bytes;
});

async function* bytesOf(...texts: string[]): AsyncGenerator<Buffer> {
  for (const text of texts) yield await Promise.resolve(Buffer.from(text));
}

async function textOf(archive: Archive, name: string): Promise<string | undefined> {
  const bytes = await archive.read(name);
  if (bytes === undefined) return undefined;
  const pieces: Uint8Array[] = [];
  for await (const piece of bytes) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

describe.each([
  ['a folder', () => pathToFileURL(folder).href],
  ['a bucket', () => 's3://bucket/some/prefix'],
])('an archive in %s', (_name, url) => {
  test('gives back what was written, the newer of two, and nothing where nothing was', async () => {
    const archive = await archiveAt(url());
    expect(await archive.write('a/b/c.txt', bytesOf('one ', 'two ä'))).toBe(10);
    expect(await textOf(archive, 'a/b/c.txt')).toBe('one two ä');
    await archive.write('a/b/c.txt', bytesOf('three'));
    expect(await textOf(archive, 'a/b/c.txt')).toBe('three');
    expect(await archive.read('a/b/d.txt')).toBeUndefined();
  });

  test('keeps what it had when the content ends before its end', async () => {
    const archive = await archiveAt(url());
    await archive.write('kept.txt', bytesOf('before'));
    async function* broken(): AsyncGenerator<Buffer> {
      yield* bytesOf('half');
      throw new Error('no more');
    }
    await expect(archive.write('kept.txt', broken())).rejects.toThrow('no more');
    expect(await textOf(archive, 'kept.txt')).toBe('before');
  });
});

test('an archive in a bucket keeps to its prefix', async () => {
  await (await archiveAt('s3://bucket/some/prefix')).write('a.txt', bytesOf('one'));
  expect([...objects.keys()]).toEqual(['/bucket/some/prefix/a.txt']);
});

describe('a batch', () => {
  const removal = { id: 'a', after_seq: 0, through_seq: 2, revision: 1, bytes: 9, from: '1', to: '2' };
  const limits = { max_age: 'P1D', max_bytes: null, action: 'archive' } as const;
  const batch: SweepBatch = {
    number: 1,
    kind: 'logs',
    scope: 'default',
    limits,
    pieces: 1,
    removals: [removal],
  };
  let reads = 0;
  const content = {
    async *lines() {
      reads++;
      yield await Promise.resolve('{"seq":1}\n');
      yield '{"seq":2}\n';
    },
  } as unknown as RetainedContent;

  test('whose manifest stands is not written again', async () => {
    const archiver = new Archiver(await archiveAt('s3://bucket'));
    reads = 0;
    const name = await archiver.ensure('p', 'o', batch, content);
    expect(name).toBe('p/logs/o/000001.manifest.json');
    expect(JSON.parse(String(objects.get(`/bucket/${name}`)))).toMatchObject({
      count: 2,
      file: 'p/logs/o/000001.ndjson.gz',
    });
    expect(await archiver.ensure('p', 'o', batch, content)).toBe(name);
    expect(reads).toBe(1);
  });

  const file = '/bucket/p/logs/o/000001.ndjson.gz';

  test.each([
    ['shorter', (bytes: Buffer) => bytes.subarray(1)],
    ['altered', (bytes: Buffer) => Buffer.from(bytes).fill(0, 0, 1)],
  ])('that is given back %s has no manifest', async (_, spoilt) => {
    const archiver = new Archiver(await archiveAt('s3://bucket'));
    kept = spoilt;
    await expect(archiver.ensure('p', 'o', batch, content)).rejects.toThrow('does not give back');
    expect([...objects.keys()]).toEqual([file]);
  });

  test('whose manifest is lost is not in the archive', async () => {
    const archiver = new Archiver(await archiveAt('s3://bucket'));
    kept = (bytes, name) => (name === file ? bytes : undefined);
    await expect(archiver.ensure('p', 'o', batch, content)).rejects.toThrow('did not keep');
  });

  test('whose manifest stands, but no longer tells the truth, is written again', async () => {
    const archiver = new Archiver(await archiveAt('s3://bucket'));
    await archiver.ensure('p', 'o', batch, content);
    const written = objects.get(file);
    objects.set(file, Buffer.from('spoilt since'));
    await archiver.ensure('p', 'o', batch, content);
    expect(objects.get(file)).toEqual(written);
  });
});

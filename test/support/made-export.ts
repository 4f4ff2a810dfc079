import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { derivedUuid, digestOf, eventContent } from '#eventsourcing';
import {
  checkpointKind,
  eventHead,
  eventLine,
  exportFiles,
  exportFormat,
  leafOf,
  type Manifest,
  manifestFile,
  manifestKind,
  manifestText,
  MerkleTree,
  signed,
  keyIdOf,
  publicText,
  purgedLine,
  withheldLine,
} from '#evidence';

/** The files of an export, in memory. */
export interface Files {
  events: string[];
  checkpoints: string[];
  manifest: Manifest;
}

export const newKey = (): KeyObject => generateKeyPairSync('ed25519').privateKey;

export const event = (n: number, text = `event ${n} Zoë`) => ({
  position: BigInt(n * 3 + 1),
  stream: `run-${n % 7}`,
  revision: Math.floor(n / 7),
  id: derivedUuid('made', String(n)),
  type: 'RunEventRecorded',
  metadata: {
    $correlationId: 'c',
    $causationId: 'c',
    actor: 'a',
    project: 'default',
    at: '2026-01-01T00:00:00.000Z',
  },
  data: { type: 'user', data: { text } },
});

/** An export of so many events; one stream's are withheld, the first of another purged, and each fifty are sealed. */
export function madeExport(
  size: number,
  key: KeyObject,
  sealEvery = 50,
  change = (n: number) => event(n),
): Files {
  const tree = MerkleTree.empty();
  const events: string[] = [];
  const checkpoints: string[] = [];
  let withheld = 0;
  for (let n = 0; n < size; n++) {
    const [head, content] = [eventHead(n, change(n)), eventContent(change(n))];
    const digest = digestOf(content);
    const leaf = leafOf(head, digest);
    const purged = n % 7 === 4 && n < 60;
    tree.add(leaf);
    if (n % 7 === 3 || purged) withheld++;
    const line = purged ? purgedLine(head, digest) : eventLine(head, content, leaf);
    events.push((n % 7 === 3 ? withheldLine(n, leaf) : line).trimEnd());
    if ((n + 1) % sealEvery === 0 || n + 1 === size) {
      const root = tree.root().toString('hex');
      const members = { size: n + 1, position: String(n * 3 + 1), root, at: '2026-01-01T00:00:00.000Z' };
      checkpoints.push(JSON.stringify(signed(checkpointKind, members, key)));
    }
  }
  const manifest: Manifest = signed<Omit<Manifest, 'key_id' | 'signature'>>(
    manifestKind,
    {
      format: exportFormat,
      exported_at: '2026-01-01T00:00:00.000Z',
      scope: 'instance',
      start: { size: 0, peaks: [] },
      size,
      events: size - withheld,
      withheld,
      files: { [exportFiles.events]: fileDigest(events), [exportFiles.checkpoints]: fileDigest(checkpoints) },
      keys: { [keyIdOf(publicText(key))]: publicText(key) },
    },
    key,
  );
  return { events, checkpoints, manifest };
}

const textOf = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');

function fileDigest(lines: readonly string[]) {
  const text = textOf(lines);
  return { bytes: Buffer.byteLength(text), sha256: createHash('sha256').update(text).digest('hex') };
}

/** What somebody who has no key can do after a change: the digests of the manifest are right again. */
export const digestsMended = (files: Files): Files => ({
  ...files,
  manifest: {
    ...files.manifest,
    files: {
      [exportFiles.events]: fileDigest(files.events),
      [exportFiles.checkpoints]: fileDigest(files.checkpoints),
    },
  },
});

/** A directory that holds one export after the other. */
export class ExportDir {
  readonly path = mkdtempSync(join(tmpdir(), 'runledger-export-'));

  write({ events, checkpoints, manifest }: Files): void {
    writeFileSync(join(this.path, exportFiles.events), textOf(events));
    writeFileSync(join(this.path, exportFiles.checkpoints), textOf(checkpoints));
    writeFileSync(join(this.path, manifestFile), manifestText(manifest));
  }

  bytes(file: string): Buffer {
    return readFileSync(join(this.path, file));
  }

  writeBytes(file: string, bytes: Buffer): void {
    writeFileSync(join(this.path, file), bytes);
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

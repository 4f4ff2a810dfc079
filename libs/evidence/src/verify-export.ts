import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EventsCheck } from './events-check.js';
import {
  type Checkpoint,
  checkpointKind,
  exportFiles,
  exportFormat,
  type FileDigest,
  type Manifest,
  manifestFile,
  manifestKind,
  manifestText,
} from './export-files.js';
import type { Finding } from './finding.js';
import { MerkleTree } from './merkle.js';
import { readLines } from './read-lines.js';
import { isSigned, keyIdOf } from './signing.js';

export interface Verification {
  /** What is wrong, the first event first; none when the export is as it was made. */
  readonly findings: readonly Finding[];
  /** Absent when the manifest cannot be read. */
  readonly manifest?: Manifest;
  readonly events: number;
  readonly withheld: number;
  readonly checkpoints: number;
}

/**
 * Checks an export with nothing but its files. Without `trusted` the keys that the export brings are
 * believed, so that it shows to be whole, but not whose it is.
 * @param trusted ids of the keys that may have signed it
 * @throws Error when there is no export, or a file of it cannot be read
 */
export async function verifyExport(dir: string, trusted?: readonly string[]): Promise<Verification> {
  const missing = await missingFrom(dir);
  if (missing.length > 0) return unreadable(missing.map((where) => ({ what: 'removed', where })));
  const manifest = readManifest(await readFile(join(dir, manifestFile), 'utf8'));
  if (manifest === undefined) return unreadable([{ what: 'altered', where: manifestFile }]);
  const digests = { events: new Digest(), checkpoints: new Digest() };
  const { checkpoints, findings } = await readCheckpoints(dir, manifest, digests.checkpoints);
  const check = new EventsCheck(treeAt(manifest.start), checkpoints);
  for await (const { bytes, lines } of readLines(join(dir, exportFiles.events))) {
    digests.events.take(bytes);
    for (const line of lines) check.take(line);
  }
  const event = check.end(manifest.size);
  if (event !== undefined) findings.unshift(event);
  if (findings.length === 0 && check.sealed !== manifest.size) {
    findings.push({
      what: 'removed',
      where: `${exportFiles.checkpoints}: the checkpoint of ${manifest.size} events`,
    });
  }
  for (const name of ['events', 'checkpoints'] as const) {
    const file = exportFiles[name];
    if (!digests[name].is(manifest.files[file])) findings.push({ what: 'altered', where: file });
  }
  findings.push(...keyFindings(manifest, checkpoints, trusted));
  // Where a line is not the one that belongs there, those behind it are not counted.
  const counted = manifest.events === check.events && manifest.withheld === check.withheld;
  if (event === undefined && !counted) {
    findings.push({ what: 'altered', where: `${manifestFile}: the count of events` });
  }
  return {
    findings,
    manifest,
    events: check.events,
    withheld: check.withheld,
    checkpoints: checkpoints.length,
  };
}

const unreadable = (findings: readonly Finding[]): Verification => ({
  findings,
  events: 0,
  withheld: 0,
  checkpoints: 0,
});

/** The files that an export has lost. @throws Error when there is none of them */
async function missingFrom(dir: string): Promise<string[]> {
  const there = new Set(await readdir(dir));
  const all = [manifestFile, ...Object.values(exportFiles)];
  const missing = all.filter((name) => !there.has(name));
  if (missing.length === all.length) throw new Error('it holds no export');
  return missing;
}

/** SHA-256 and length of a file that is given piece by piece. */
class Digest {
  private readonly hash = createHash('sha256');
  private bytes = 0;

  take(bytes: Buffer): void {
    this.hash.update(bytes);
    this.bytes += bytes.length;
  }

  is(wanted: FileDigest): boolean {
    return this.bytes === wanted.bytes && this.hash.digest('hex') === wanted.sha256;
  }
}

/** A manifest of the one form that is written, and can be worked with; its signature is looked at later. */
function readManifest(text: string): Manifest | undefined {
  try {
    const manifest = JSON.parse(text) as Manifest;
    const { start, size, files, format } = manifest;
    const texts = [
      ...Object.values(exportFiles).map((name) => files[name].sha256),
      ...Object.values(manifest.keys),
    ];
    const usable: boolean =
      (format as string) === exportFormat &&
      Number.isSafeInteger(size) &&
      texts.every((text) => typeof (text as unknown) === 'string');
    treeAt(start);
    return usable && manifestText(manifest) === text ? manifest : undefined;
  } catch {
    return undefined;
  }
}

/** The tree that an export begins with. @throws Error when there can be none like it */
const treeAt = ({ size, peaks }: Manifest['start']): MerkleTree =>
  MerkleTree.of(
    size,
    peaks.map((peak) => Buffer.from(peak, 'hex')),
  );

async function readCheckpoints(
  dir: string,
  manifest: Manifest,
  digest: Digest,
): Promise<{ checkpoints: Checkpoint[]; findings: Finding[] }> {
  const checkpoints: Checkpoint[] = [];
  const findings: Finding[] = [];
  let n = 0;
  for await (const { bytes, lines } of readLines(join(dir, exportFiles.checkpoints))) {
    digest.take(bytes);
    for (const line of lines) {
      n++;
      const checkpoint = readCheckpoint(line, manifest);
      if (checkpoint !== undefined) checkpoints.push(checkpoint);
      else findings.push({ what: 'altered', where: `${exportFiles.checkpoints} line ${n}` });
    }
  }
  return { checkpoints, findings };
}

function readCheckpoint(line: Buffer, { keys }: Manifest): Checkpoint | undefined {
  try {
    const checkpoint = JSON.parse(line.toString()) as Checkpoint;
    const same = JSON.stringify(checkpoint) === line.toString();
    return same && isSigned(checkpointKind, checkpoint, keys) ? checkpoint : undefined;
  } catch {
    return undefined;
  }
}

function keyFindings(
  manifest: Manifest,
  checkpoints: readonly Checkpoint[],
  trusted: readonly string[] | undefined,
): Finding[] {
  const findings: Finding[] = [];
  const { keys } = manifest;
  if (!isSigned(manifestKind, manifest, keys)) findings.push({ what: 'altered', where: manifestFile });
  for (const [id, key] of Object.entries(keys)) {
    if (keyIdOf(key) !== id) findings.push({ what: 'altered', where: `${manifestFile}: key ${id}` });
  }
  const used = new Set([manifest.key_id, ...checkpoints.map(({ key_id }) => key_id)]);
  for (const id of used) {
    if (trusted?.includes(id) === false) findings.push({ what: 'untrusted', where: `key ${id}` });
  }
  return findings;
}

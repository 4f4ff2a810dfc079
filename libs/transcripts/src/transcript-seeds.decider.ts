import { hash } from 'node:crypto';
import type { Decider } from '#eventsourcing';
import type { TranscriptSeedsReplaced } from './transcript-seeds.events.js';

/** Seeds (32 bytes, base64) by path. */
export type Seeds = ReadonlyMap<string, string>;

const digits = 32;

export const transcriptSeedsDecider: Decider<Seeds, TranscriptSeedsReplaced> = {
  initial: new Map(),
  evolve: (_seeds, { data }) => new Map(data.seeds.map(({ path, seed }) => [path, seed])),
  weigh: (seeds) => seeds.size * 200,
};

/** Begins with one seed from which all keys follow. @param root 32 random bytes */
export const beginSeeds = (seeds: Seeds, root: Buffer): TranscriptSeedsReplaced[] =>
  seeds.size > 0 ? [] : [replaced(new Map([['', told(root)]]))];

/** Gives up the keys of some segments, and of no others. */
export function giveUp(seeds: Seeds, seqs: readonly number[]): TranscriptSeedsReplaced[] {
  const left = new Map(seeds);
  const kept = seqs.filter((seq) => coveringPath(seeds, seq) !== undefined);
  for (const seq of kept) puncture(left, seq);
  return kept.length === 0 ? [] : [replaced(left)];
}

/** Gives up the keys of all segments up to one, and of no others. */
export function giveUpThrough(seeds: Seeds, through: number): TranscriptSeedsReplaced[] {
  const last = binary(through);
  const left = new Map([...seeds].filter(([path]) => path > last.slice(0, path.length)));
  const across = coveringPath(seeds, through);
  if (across !== undefined) {
    const own = new Map([[across, seeds.get(across) as string]]);
    puncture(own, through);
    for (const [path, seed] of own) if (path > last.slice(0, path.length)) left.set(path, seed);
  }
  const same = left.size === seeds.size && [...left.keys()].every((path) => seeds.has(path));
  return same ? [] : [replaced(left)];
}

/**
 * Finds the key (32 bytes) of a segment by its `seq`; undefined once it has been given up. Neighbours share most of
 * the way down to them, which is gone once.
 */
export function keysOf(seeds: Seeds): (seq: number) => Buffer | undefined {
  /** The newest of each depth. */
  const found: { readonly path: string; readonly seed: Buffer | undefined }[] = [];
  const seedAt = (path: string): Buffer | undefined => {
    const before = found[path.length];
    if (before?.path === path) return before.seed;
    const seed = kept(seeds, path) ?? (path === '' ? undefined : below(path));
    found[path.length] = { path, seed };
    return seed;
  };
  const below = (path: string): Buffer | undefined => {
    const parent = seedAt(path.slice(0, -1));
    return parent && child(parent, path.slice(-1));
  };
  return (seq) => seedAt(binary(seq));
}

/** Puts in place of the seed that covers a segment those of all its neighbours on the way down to it. */
function puncture(seeds: Map<string, string>, seq: number): void {
  const path = coveringPath(seeds, seq);
  if (path === undefined) return;
  const way = binary(seq);
  let seed = kept(seeds, path) as Buffer;
  seeds.delete(path);
  for (let depth = path.length; depth < digits; depth++) {
    const other = way[depth] === '0' ? '1' : '0';
    seeds.set(way.slice(0, depth) + other, told(child(seed, other)));
    seed = child(seed, String(way[depth]));
  }
}

function coveringPath(seeds: Seeds, seq: number): string | undefined {
  const way = binary(seq);
  for (let depth = 0; depth <= digits; depth++) {
    const path = way.slice(0, depth);
    if (seeds.has(path)) return path;
  }
  return undefined;
}

const told = (seed: Buffer): string => seed.toString('base64');

function kept(seeds: Seeds, path: string): Buffer | undefined {
  const seed = seeds.get(path);
  return seed === undefined ? undefined : Buffer.from(seed, 'base64');
}

const binary = (seq: number): string => seq.toString(2).padStart(digits, '0');

/** One way: from a child nothing is learned of its parent or its sibling. */
const child = (seed: Buffer, digit: string): Buffer =>
  hash('sha256', Buffer.concat([seed, Buffer.from(digit)]), 'buffer');

const replaced = (seeds: Seeds): TranscriptSeedsReplaced => ({
  type: 'TranscriptSeedsReplaced',
  data: { seeds: [...seeds].map(([path, seed]) => ({ path, seed })) },
});

import { type Json, seal, unseal } from '#eventsourcing';
import { keyOf, type Seeds } from './transcript-seeds.decider.js';

/** Seals the JSON text of a segment's content with the key of its `seq`. */
export const sealingWith =
  (seeds: Seeds) =>
  (seq: number, json: string): string =>
    seal(keyOf(seeds, seq) as Buffer, json);

/** The content of a segment; undefined when its key has been given up. */
export function unsealed(seeds: Seeds, seq: number, sealed: string): Json | undefined {
  const key = keyOf(seeds, seq);
  return key && (JSON.parse(unseal(key, sealed).toString()) as Json);
}

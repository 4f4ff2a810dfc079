import { type Json, seal, unseal } from '#eventsourcing';
import { keysOf, type Seeds } from './transcript-seeds.decider.js';

/** The content of a segment by its `seq` and what was sealed; undefined when its key has been given up. */
export type Unseal = (seq: number, sealed: string) => Json | undefined;

/** Seals the JSON text of a segment's content with the key of its `seq`. */
export function sealingWith(seeds: Seeds): (seq: number, json: string) => string {
  const keyOf = keysOf(seeds);
  return (seq, json) => seal(keyOf(seq) as Buffer, json);
}

export function unsealingWith(seeds: Seeds): Unseal {
  const keyOf = keysOf(seeds);
  return (seq, sealed) => {
    const key = keyOf(seq);
    return key && (JSON.parse(unseal(key, sealed).toString()) as Json);
  };
}

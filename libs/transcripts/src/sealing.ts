import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Json } from '#eventsourcing';
import { keyOf, type Seeds } from './transcript-seeds.decider.js';

const algorithm = 'aes-256-gcm';
const nonceBytes = 12;
const tagBytes = 16;

/** Puts the JSON text of a segment's content out of reach of who has not its key; base64 of nonce, tag and cipher text. */
export const sealingWith =
  (seeds: Seeds) =>
  (seq: number, json: string): string => {
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv(algorithm, keyOf(seeds, seq) as Buffer, nonce);
    const text = Buffer.concat([cipher.update(json, 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), text]).toString('base64');
  };

/** The content of a segment; undefined when its key has been given up. */
export function unsealed(seeds: Seeds, seq: number, sealed: string): Json | undefined {
  const key = keyOf(seeds, seq);
  if (key === undefined) return undefined;
  const bytes = Buffer.from(sealed, 'base64');
  const [nonce, text] = [bytes.subarray(0, nonceBytes), bytes.subarray(nonceBytes + tagBytes)];
  const decipher = createDecipheriv(algorithm, key, nonce);
  decipher.setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes));
  return JSON.parse(decipher.update(text, undefined, 'utf8') + decipher.final('utf8')) as Json;
}

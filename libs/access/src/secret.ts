import { hash, randomBytes, timingSafeEqual } from 'node:crypto';

const minted = /^rl_[\w-]{43}$/;
const prefixLength = 6;

export interface Secret {
  readonly key: string;
  /** All that is kept of the key: its SHA-256 in hexadecimal. 256 random bits need nothing slower. */
  readonly hash: string;
  /** The first characters, by which a person knows the key again. */
  readonly prefix: string;
}

export function mintSecret(): Secret {
  const key = `rl_${randomBytes(32).toString('base64url')}`;
  return { key, hash: hashOf(key), prefix: key.slice(0, prefixLength) };
}

export const hashOf = (key: string): string => hash('sha256', key);

/** Whether a key has the form of those that we mint. */
export const looksMinted = (key: string): boolean => minted.test(key);

/** Compares two hashes in constant time. */
export const sameHash = (a: string, b: string): boolean => timingSafeEqual(Buffer.from(a), Buffer.from(b));

import { createPublicKey, hash, type KeyObject, sign, verify } from 'node:crypto';

/** Public keys by their ids, in base64 of their SPKI form. */
export type PublicKeys = Readonly<Record<string, string>>;

/** A public key as it is written down: base64 of its SPKI form. */
export const publicText = (key: KeyObject): string =>
  createPublicKey(key).export({ type: 'spki', format: 'der' }).toString('base64');

/** The id of a public key: the SHA-256 of its SPKI form, in hexadecimal. */
export const keyIdOf = (publicKey: string): string => hash('sha256', Buffer.from(publicKey, 'base64'), 'hex');

/** Something signed: all its members but `signature` are covered. */
export interface Signed {
  readonly key_id: string;
  /** Ed25519 (RFC 8032), base64. */
  readonly signature: string;
}

/** What is signed: a word for its kind, so that no signature is good for another, and the JSON of the members in their order. */
const signedBytes = (kind: string, { signature: _, ...members }: object & { signature?: string }): Buffer =>
  Buffer.from(`runledger ${kind}\n${JSON.stringify(members)}`);

/** Signs the members, which are to be written down in this order. @param key private Ed25519 key */
export function signed<T extends object>(kind: string, members: T, key: KeyObject): T & Signed {
  const all = { ...members, key_id: keyIdOf(publicText(key)) };
  return { ...all, signature: sign(null, signedBytes(kind, all), key).toString('base64') };
}

/** Whether one of these keys has signed it, and its id is what it says. */
export function isSigned(kind: string, value: object & Signed, keys: PublicKeys): boolean {
  const known = Object.hasOwn(keys, value.key_id) ? keys[value.key_id] : undefined;
  if (known === undefined || keyIdOf(known) !== value.key_id) return false;
  try {
    // Base64 of one text may be written in several ways; only the one that is written here is taken.
    const signature = Buffer.from(value.signature, 'base64');
    if (signature.toString('base64') !== value.signature) return false;
    const key = createPublicKey({ key: Buffer.from(known, 'base64'), format: 'der', type: 'spki' });
    return verify(null, signedBytes(kind, value), key, signature);
  } catch {
    return false;
  }
}

import { createHash, randomBytes } from 'node:crypto';

const hex = (bytes: Buffer): string => {
  const h = bytes.toString('hex');
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-${h.slice(12, 16)}-${h.slice(16, 20)}-${h.slice(20)}`;
};

let pool = randomBytes(4096);
let used = 0;
const random10 = (): Buffer => {
  if (used + 10 > pool.length) {
    pool = randomBytes(4096);
    used = 0;
  }
  return pool.subarray(used, (used += 10));
};

const v7 = (milliseconds: number, random: Buffer): string => {
  const bytes = Buffer.allocUnsafe(16);
  bytes.writeUIntBE(milliseconds, 0, 6);
  random.copy(bytes, 6, 0, 10);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x70, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return hex(bytes);
};

/** A time-ordered UUID (version 7, RFC 9562 section 5.7). */
export const uuidv7 = (milliseconds = Date.now()): string => v7(milliseconds, random10());

/** The same version 7 UUID for the same time and words, so that a repeated command mints the same ids. */
export const derivedUuidv7 = (milliseconds: number, ...words: readonly string[]): string =>
  v7(milliseconds, createHash('sha256').update(JSON.stringify(words)).digest());

/**
 * As `derivedUuidv7`, but the ids of one millisecond are in the order of their rank.
 * @param rank a whole number, of which 32 bits count
 */
export const rankedUuidv7 = (milliseconds: number, rank: number, ...words: readonly string[]): string => {
  const digest = createHash('sha256').update(JSON.stringify(words)).digest();
  const bits = (BigInt.asUintN(32, BigInt(rank)) << 42n) | BigInt.asUintN(42, digest.readBigUInt64BE());
  const tail = Buffer.alloc(10);
  tail.writeUInt16BE(Number(bits >> 62n));
  tail.writeBigUInt64BE(BigInt.asUintN(62, bits), 2);
  return v7(milliseconds, tail);
};

/** The same UUID for the same words (version 8, RFC 9562 section 5.8: SHA-256 of the words as a JSON array). */
export const derivedUuid = (...words: readonly string[]): string => {
  const bytes = createHash('sha256').update(JSON.stringify(words)).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return hex(bytes);
};

/**
 * The least version 7 UUID of a time: ids of resources created before it are less, all others are not.
 * @param milliseconds since 1970; a fraction counts as the next whole one
 */
export const leastUuidv7 = (milliseconds: number): string => {
  const time = Math.max(0, Math.ceil(milliseconds)).toString(16).padStart(12, '0').slice(-12);
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-000000000000`;
};

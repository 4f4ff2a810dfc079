import { hash, randomBytes } from 'node:crypto';

/** 128 bits as hexadecimal digits in the form of a UUID, of a version, and of the variant of RFC 9562. */
const uuid = (digits: string, version: 7 | 8): string => {
  const variant = '89ab'[Number.parseInt(digits.charAt(16), 16) & 3];
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-${version}${digits.slice(13, 16)}-${variant}${digits.slice(17, 20)}-${digits.slice(20, 32)}`;
};

/** Hexadecimal digits of the 80 bits behind the time. */
const tailLength = 20;
let pool = '';
let used = 0;
const randomTail = (): string => {
  if (used + tailLength > pool.length) {
    pool = randomBytes(4_000).toString('hex');
    used = 0;
  }
  return pool.slice(used, (used += tailLength));
};

/** A time as the 12 hexadecimal digits that a UUID of version 7 begins with. */
const timeDigits = (milliseconds: number): string => milliseconds.toString(16).padStart(12, '0');

const v7 = (milliseconds: number, tail: string): string => uuid(timeDigits(milliseconds) + tail, 7);

/** SHA-256 of words as a JSON array, in hexadecimal digits. */
const digest = (words: readonly string[]): string => hash('sha256', JSON.stringify(words));

/** A time-ordered UUID (version 7, RFC 9562 section 5.7). */
export const uuidv7 = (milliseconds = Date.now()): string => v7(milliseconds, randomTail());

/** The same version 7 UUID for the same time and words, so that a repeated command mints the same ids. */
export const derivedUuidv7 = (milliseconds: number, ...words: readonly string[]): string =>
  v7(milliseconds, digest(words).slice(0, tailLength));

/**
 * As `derivedUuidv7`, but the ids of one millisecond are in the order of their rank.
 * @param rank a whole number, of which 32 bits count
 */
export const rankedUuidv7 = (milliseconds: number, rank: number, ...words: readonly string[]): string => {
  const made = BigInt(`0x${digest(words).slice(0, 16)}`);
  const bits = (BigInt.asUintN(32, BigInt(rank)) << 42n) | BigInt.asUintN(42, made);
  const tail = (((bits >> 62n) << 64n) | BigInt.asUintN(62, bits)).toString(16);
  return v7(milliseconds, tail.padStart(tailLength, '0'));
};

/** The same UUID for the same words (version 8, RFC 9562 section 5.8: SHA-256 of the words as a JSON array). */
export const derivedUuid = (...words: readonly string[]): string => uuid(digest(words), 8);

/**
 * The least version 7 UUID of a time: ids of resources created before it are less, all others are not.
 * @param milliseconds since 1970; a fraction counts as the next whole one
 */
export const leastUuidv7 = (milliseconds: number): string => {
  const time = timeDigits(Math.max(0, Math.ceil(milliseconds))).slice(-12);
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-000000000000`;
};

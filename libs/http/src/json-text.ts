import { isUtf8 } from 'node:buffer';
import { lossyNumber } from './json-numbers.js';
import { ProblemError } from './problems.js';

/** Deeper values could not be written out again. */
const deepest = 500;

const escaped = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1');

/** The RFC 6901 pointer to a member of what `pointer` points to. */
export const pointerTo = (pointer: string, key: string | number): string =>
  `${pointer}/${typeof key === 'number' ? key : escaped(key)}`;

/** Text from bytes. @throws ProblemError malformed_json when they are not UTF-8 */
export function utf8(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw new ProblemError('malformed_json', 'The body is not valid UTF-8.');
  return bytes.toString('utf8');
}

/**
 * Parses JSON text; `__proto__` stays a key like any other.
 * @param pointer where in the body the text stands
 * @throws ProblemError malformed_json, or validation_failed for U+0000, for numbers that would not be kept
 *   digit for digit (integers beyond 2^53 - 1, or too large for a double), and for values nested deeper than 500
 */
export function parseJson(text: string, pointer = ''): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : '';
    throw new ProblemError(
      'malformed_json',
      `${pointer === '' ? 'The body' : pointer} is not valid JSON: ${why}`,
    );
  }
  if (text.includes('\\u0000')) refuseNul(value, pointer);
  const lossy = lossyNumber(text);
  if (lossy !== undefined) {
    const place = placeOf(value, pointer, (part) => part === Number(lossy), 0) ?? pointer;
    refuse(
      place,
      `must not hold the number ${shortened(lossy)}: it would be stored as another; send it as text`,
    );
  }
  // Anything deeper takes at least two characters a level.
  if (text.length > 2 * deepest && isDeeper(value, deepest)) {
    refuse(pointer, `must not be nested deeper than ${deepest} levels`);
  }
  return value;
}

function refuse(pointer: string, detail: string): never {
  throw new ProblemError('validation_failed', `${pointer === '' ? 'The body' : pointer} ${detail}.`, {
    errors: [{ pointer, detail }],
  });
}

/** @throws ProblemError validation_failed when a string or key holds U+0000, which cannot be stored */
export function refuseNul(value: unknown, pointer: string): void {
  const found = placeOf(value, pointer, (part) => typeof part === 'string' && part.includes('\0'), 0);
  if (found !== undefined) refuse(found, 'must not hold the character U+0000');
}

const shortened = (number: string): string => (number.length > 40 ? `${number.slice(0, 40)}...` : number);

/** The pointer to the first leaf or key for which `holds`, no deeper than values may be. */
function placeOf(
  value: unknown,
  pointer: string,
  holds: (part: unknown) => boolean,
  depth: number,
): string | undefined {
  if (typeof value !== 'object' || value === null) return holds(value) ? pointer : undefined;
  if (depth > deepest) return undefined;
  for (const [key, member] of Object.entries(value)) {
    const place = pointerTo(pointer, key);
    const found = holds(key) ? place : placeOf(member, place, holds, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  if (Array.isArray(value)) return value.some((member) => isDeeper(member, levels - 1));
  for (const key in value) {
    if (isDeeper((value as Record<string, unknown>)[key], levels - 1)) return true;
  }
  return false;
}

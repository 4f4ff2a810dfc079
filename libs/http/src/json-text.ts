import { isUtf8 } from 'node:buffer';
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
 * @throws ProblemError malformed_json, or validation_failed for U+0000 and for values nested deeper than 500
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
  const found = nulIn(value, pointer, 0);
  if (found !== undefined) refuse(found, 'must not hold the character U+0000');
}

function nulIn(value: unknown, pointer: string, depth: number): string | undefined {
  if (typeof value === 'string') return value.includes('\0') ? pointer : undefined;
  if (typeof value !== 'object' || value === null || depth > deepest) return undefined;
  for (const [key, member] of Object.entries(value)) {
    const found = key.includes('\0')
      ? pointerTo(pointer, key)
      : nulIn(member, pointerTo(pointer, key), depth + 1);
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

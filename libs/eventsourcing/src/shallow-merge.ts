import { RuleViolation } from './decider.js';
import type { JsonObject } from './event.js';

/** What the metadata of one resource may take as JSON text. */
export const metadataBytes = 64 * 1024;

/** Merges one level deep; null removes a key (API.md, PATCH). */
export function shallowMerge(old: JsonObject, change: JsonObject): JsonObject {
  const merged = Object.entries({ ...old, ...change }).filter(([, value]) => value !== null);
  return Object.fromEntries(merged);
}

/**
 * Many small changes could make metadata grow without end. What is too large already may still shrink.
 * @throws RuleViolation validation_failed
 */
export function expectMetadataFits(old: JsonObject, change: JsonObject): void {
  const bytes = sizeOf(shallowMerge(old, change));
  if (bytes <= metadataBytes || bytes <= sizeOf(old)) return;
  const detail = `metadata would have ${bytes} bytes with this change, and may have ${metadataBytes} (64 KiB)`;
  throw new RuleViolation('validation_failed', detail, { pointer: '/metadata' });
}

const sizeOf = (metadata: JsonObject): number => Buffer.byteLength(JSON.stringify(metadata));

import type { JsonObject } from './event.js';

/** Merges one level deep; null removes a key (API.md, PATCH). */
export function shallowMerge(old: JsonObject, change: JsonObject): JsonObject {
  const merged = Object.entries({ ...old, ...change }).filter(([, value]) => value !== null);
  return Object.fromEntries(merged);
}

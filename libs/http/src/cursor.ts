import { hash } from 'node:crypto';
import type { RequestContext } from './context.js';
import { ProblemError } from './problems.js';
import { isTime, isUuid } from './forms.js';

export type CursorKey = string | number;
/** What a key of a cursor must look like, so that a forged one never reaches the database. */
export type KeyKind = 'time' | 'uuid' | 'integer' | 'text';

const fits: Readonly<Record<KeyKind, (key: unknown) => boolean>> = {
  time: isTime,
  uuid: isUuid,
  integer: Number.isSafeInteger,
  text: (key) => typeof key === 'string' && !key.includes('\0'),
};

/** A digest of what a list shows: its path and its query but for `limit` and `cursor`. */
function filtersOf({ request }: RequestContext): string {
  const query = Object.entries(request.query as Record<string, unknown>)
    .filter(([name]) => name !== 'limit' && name !== 'cursor')
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const [path = ''] = request.url.split('?', 1);
  return hash('sha1', JSON.stringify([path, query]), 'base64url').slice(0, 12);
}

/** The opaque cursor of the place after an item with these keys, good for this list alone. */
export const cursorAfter = (ctx: RequestContext, keys: readonly CursorKey[]): string =>
  Buffer.from(JSON.stringify([filtersOf(ctx), ...keys])).toString('base64url');

/** The keys of the last item that the client has seen. @throws ProblemError invalid_cursor */
export function keysOf(ctx: RequestContext, cursor: string, kinds: readonly KeyKind[]): readonly CursorKey[] {
  const [filters, ...keys] = parts(cursor);
  if (keys.length !== kinds.length || !kinds.every((kind, n) => fits[kind](keys[n]))) throw broken();
  if (filters !== filtersOf(ctx)) {
    throw new ProblemError('invalid_cursor', 'The cursor belongs to another path or other filters.');
  }
  return keys as CursorKey[];
}

function parts(cursor: string): unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (Array.isArray(value)) return value;
  } catch {
    // What is no JSON is as broken as JSON that is no list.
  }
  throw broken();
}

const broken = (): ProblemError =>
  new ProblemError('invalid_cursor', 'The cursor is not one that a list answered with.');

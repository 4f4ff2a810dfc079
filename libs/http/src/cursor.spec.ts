import { expect, test } from '@jest/globals';
import type { RequestContext } from './context.js';
import { cursorAfter, keysOf } from './cursor.js';

const id = '01990000-0000-7000-8000-000000000001';
const list = (query: Record<string, string> = {}, path = '/v1/toys') =>
  ({
    request: { query, url: `${path}?${new URLSearchParams(query).toString()}` },
  }) as unknown as RequestContext;
const invalid = expect.objectContaining({ code: 'invalid_cursor' });

test('a cursor is good for its list, in whatever order and pages that is asked for', () => {
  const cursor = cursorAfter(list({ kind: 'a', order: 'asc', limit: '2' }), [id, 3]);
  const again = list({ order: 'asc', kind: 'a', limit: '9', cursor });
  expect(keysOf(again, cursor, ['uuid', 'integer'])).toEqual([id, 3]);
});

test.each([
  [list({ kind: 'b' })],
  [list()],
  [list({ kind: 'a', order: 'asc' })],
  [list({ kind: 'a' }, '/v1/others')],
])('and for no other', (other) => {
  const cursor = cursorAfter(list({ kind: 'a' }), [id]);
  expect(() => keysOf(other, cursor, ['uuid'])).toThrow(invalid);
});

test.each([[['no uuid', 3]], [[id, 'three']], [[id, 1.5]], [[id]], [[id, 3, 4]], [[]]])(
  'one that is forged with %j never reaches the database',
  (keys) => {
    expect(() => keysOf(list(), cursorAfter(list(), keys), ['uuid', 'integer'])).toThrow(invalid);
  },
);

test('nor does text with U+0000, which Postgres does not take', () => {
  expect(keysOf(list(), cursorAfter(list(), ['a']), ['text'])).toEqual(['a']);
  for (const key of ['a\0', 1]) {
    expect(() => keysOf(list(), cursorAfter(list(), [key]), ['text'])).toThrow(invalid);
  }
});

test.each(['', 'x', Buffer.from('{}').toString('base64url'), Buffer.from('null').toString('base64url')])(
  '%j is no cursor',
  (cursor) => {
    expect(() => keysOf(list(), cursor, [])).toThrow(invalid);
  },
);

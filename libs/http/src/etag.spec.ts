import { expect, test } from '@jest/globals';
import { etagOf, isNamedBy } from './etag.js';

test('an ETag tells the revision, and changes with all that is shown', () => {
  expect(etagOf(3, '{"a":1}')).toMatch(/^"3\.[\w-]{16}"$/);
  expect(etagOf(3, '{"a":1}')).toBe(etagOf(3, '{"a":1}'));
  expect(etagOf(3, '{"a":2}')).not.toBe(etagOf(3, '{"a":1}'));
});

test.each([
  ['"1.a"', true],
  ['W/"1.a"', true],
  ['*', true],
  ['"0.x", W/"1.a"', true],
  ['"1.b"', false],
  ['"1"', false],
  ['', false],
])('If-None-Match: %s', (header, named) => {
  expect(isNamedBy(header, '"1.a"')).toBe(named);
});
